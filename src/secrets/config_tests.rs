use super::*;
use std::os::unix::fs::PermissionsExt;

fn read(text: &str) -> Result<Option<Unattended>, Error> {
    read_with_mode(text, 0o644)
}

fn read_with_mode(text: &str, mode: u32) -> Result<Option<Unattended>, Error> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    super::read(file.path()).map(|configuration| configuration.unattended)
}

fn transport(text: &str) -> Option<Transport> {
    parse(Path::new("/x"), text.as_bytes()).unwrap().transport
}

fn problem(text: &str) -> Problem {
    match read(text) {
        Err(Error::Meaning { problem, .. }) => problem,
        other => panic!("{text}: {:?}", other.map(|found| found.is_some())),
    }
}

#[test]
fn without_a_file_or_a_word_about_it_nothing_is_configured() {
    assert_eq!(super::read(Path::new("/nowhere/ezncrypt.toml")).unwrap(), Configuration::default());
    assert!(read("").unwrap().is_none());
    assert!(read("# nothing\n").unwrap().is_none());
}

#[test]
fn each_source_is_read() {
    let of = |text: &str| read(text).unwrap().unwrap();
    let file = of("[unattended]\nfile = '/etc/x'\n");
    assert_eq!(file.source, Source::File("/etc/x".into()));
    assert_eq!((file.timeout.as_secs(), file.retry_for.as_secs()), (10, 60));
    let command =
        of("[unattended]\ncommand = ['/bin/a', '-b']\nstdin = '/c'\ntimeout_seconds = 3\n");
    let argv = vec!["/bin/a".into(), "-b".into()];
    assert_eq!(command.source, Source::Command { argv, stdin: Some("/c".into()) });
    assert_eq!(command.timeout.as_secs(), 3);
    let credential = of("[unattended]\ncredential = 'ezncrypt'\nretry_for_seconds = 0\n");
    assert_eq!(credential.source, Source::Credential("ezncrypt".into()));
    let kmip =
        of("[unattended.kmip]\nserver = 'k:5696'\nca = '/a'\ncertificate = '/b'\nkey = '/c'\n\
                   object = '7'\n");
    assert!(matches!(kmip.source, Source::Kmip(kmip) if kmip.object == "7"));
}

#[test]
fn how_the_mount_is_served_is_read() {
    assert_eq!(transport(""), None);
    assert_eq!(transport("[mount]\n"), None);
    let of = |word: &str| transport(&format!("[mount]\ntransport = '{word}'\n"));
    let all = [Transport::Auto, Transport::Device, Transport::IoUring];
    assert_eq!(["auto", "device", "io_uring"].map(of), all.map(Some));
    for text in ["[mount]\ntransport = 'magic'\n", "[mount]\ntransprot = 'auto'\n"] {
        assert!(matches!(parse(Path::new("/x"), text.as_bytes()), Err(Error::Syntax { .. })));
    }
}

#[test]
fn what_cannot_be_meant_is_named() {
    assert_eq!(problem("[unattended]\n"), Problem::Sources);
    assert_eq!(problem("[unattended]\nfile = '/a'\ncredential = 'b'\n"), Problem::Sources);
    assert_eq!(problem("[unattended]\nfile = 'a'\n"), Problem::Relative);
    assert_eq!(problem("[unattended]\ncommand = ['sh', '-c', 'x']\n"), Problem::Relative);
    assert_eq!(problem("[unattended]\ncommand = []\n"), Problem::Relative);
    assert_eq!(problem("[unattended]\ncredential = '../x'\n"), Problem::CredentialName);
    assert_eq!(problem("[unattended]\nfile = '/a'\nstdin = '/b'\n"), Problem::Stdin);
    assert_eq!(problem("[unattended]\nfile = '/a'\ntimeout_seconds = 0\n"), Problem::Times);
    assert_eq!(problem("[unattended]\nfile = '/a'\nretry_for_seconds = 3601\n"), Problem::Times);
    for text in
        ["[unattended", "[unattended]\nflie = '/a'\n", "[unatended]\nfile = '/a'\n", "x = 1\n"]
    {
        assert!(matches!(read(text), Err(Error::Syntax { .. })), "{text}");
    }
}

#[test]
fn what_others_may_write_is_not_used() {
    for mode in [0o664, 0o646] {
        let refused = read_with_mode("[unattended]\nfile = '/a'\n", mode);
        assert!(matches!(refused, Err(Error::Untrusted { .. })));
    }
}

/// Somebody exchanges the file, as often as they can, for one that is not root's alone.
#[test]
fn the_file_that_is_judged_is_the_one_that_was_read() {
    let directory = tempfile::tempdir().unwrap();
    let (path, other) = (directory.path().join("config"), directory.path().join("other"));
    for (path, mode, source) in [(&path, 0o644, "/good"), (&other, 0o666, "/evil")] {
        std::fs::write(path, format!("[unattended]\nfile = '{source}'\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let ended = std::sync::atomic::AtomicBool::new(false);
    let (mut used, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (at, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                rustix::fs::renameat_with(at, &path, at, &other, flags).unwrap();
            }
        });
        let mut evil = false;
        // Until both have been met often.
        while !evil && (used < 5000 || refused < 5000) {
            match super::read(&path) {
                Ok(read) => {
                    used += 1;
                    evil = read.unattended.unwrap().source != Source::File("/good".into());
                }
                Err(_) => refused += 1,
            }
        }
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(!evil, "used what others may write, after {used} reads");
    });
}

#[test]
fn what_is_written_wrongly_is_named_by_its_place_and_not_shown() {
    for (text, place, what) in [
        (
            "[unattended]\ntimeout_seconds = 'hunter2'\n",
            ":2:19: ",
            "invalid type: string, expected u64",
        ),
        (
            "unattended = \"hunter2, expected\"\n",
            ":1:14: ",
            "invalid type: string, expected struct",
        ),
        ("[unattended]\nfile = hunter2\n", ":2:8: ", ""),
        ("[unattended]\nfile = 'hunter2\n", ":2:", ""),
        ("[unattended]\n\n  hunter2\n", ":3:", ""),
        ("[unattended]\nflie = 'hunter2'\n", ":2:1: ", "unknown field `flie`"),
        ("[unattended]\ncommand = ['/a', 7, 'hunter2']\n", ":2:18: ", "integer"),
    ] {
        let told = read(text).err().map(|error| error.to_string()).unwrap();
        assert!(told.contains(place) && told.contains(what), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}
