use crate::machine::{comes_up, start, unattended};
use crate::manual::{Example, free_ports};
use crate::support::Instance;
use crate::support::machine::program;
use crate::support::process::{Running, kill_all_naming, run, until};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A tang server with keys of its own, which answers each connection as its unit for systemd would.
struct Tang {
    keys: PathBuf,
    port: u16,
    running: Option<Running>,
}

impl Tang {
    #[track_caller]
    fn prepared(directory: &Path) -> Self {
        let tang = Self { keys: directory.join("tang"), port: free_ports(), running: None };
        tang.new_keys();
        tang
    }

    /// Makes keys, and has none of before.
    #[track_caller]
    fn new_keys(&self) {
        let _ = fs::remove_dir_all(&self.keys);
        fs::create_dir(&self.keys).unwrap();
        run(Command::new(program("/usr/libexec/tangd-keygen")).arg(&self.keys)).succeeds();
    }

    #[track_caller]
    fn start(&mut self) {
        let mut command = Command::new(program("systemd-socket-activate"));
        command.args(["--accept", "--inetd", "--listen"]).arg(format!("127.0.0.1:{}", self.port));
        command.arg(program("/usr/libexec/tangd")).arg(&self.keys);
        self.running = Some(Running::spawn(command.stdin(Stdio::null())));
        until("tang serves", Duration::from_secs(60), || {
            let ended = self.running.as_mut().and_then(Running::ended);
            assert!(ended.is_none(), "{}", ended.unwrap());
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
    }

    /// Kills it, and what answers a connection at the moment.
    fn stop(&mut self) {
        self.running = None;
        kill_all_naming(&self.keys);
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// As its administrator sees it.
    #[track_caller]
    fn thumbprint(&self) -> String {
        let mut command = Command::new(program("tang-show-keys"));
        command.arg(self.port.to_string()).env_clear().env("PATH", "/usr/bin:/bin");
        let thumbprint = run(&mut command).succeeds().stdout.trim().to_owned();
        assert!(!thumbprint.is_empty());
        thumbprint
    }
}

impl Drop for Tang {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn with_a_tang_server_the_service_starts_and_without_one_it_fails_in_time_and_starts_on_its_return()
{
    let instance = Instance::initialised();
    let mut tang = Tang::prepared(&instance.work());
    tang.start();
    let (url, thumbprint) = (tang.url(), tang.thumbprint());
    let own = [("http://tang.example.com", url.as_str()), ("THUMBPRINT", &thumbprint)];
    let example = Example::of("tang by clevis", &instance, &own);
    example.set_up(&instance);
    comes_up(&instance);
    let away = format!("Error communicating with server {url}");

    tang.stop();
    example.configure(&instance, "retry_for_seconds = 0");
    start(&instance).exits(9).says(&away).says("--ask");
    assert!(!instance.state().join("run/ezncrypt.pid").exists());

    example.configure(&instance, "retry_for_seconds = 120");
    let mut waiting = Running::spawn(unattended(&instance, &["start"]).stdin(Stdio::null()));
    until("it waits for tang", Duration::from_secs(60), || {
        let ended = waiting.ended();
        assert!(ended.is_none(), "{}", ended.unwrap());
        waiting.so_far().stderr.contains("trying again in")
    });
    tang.start();
    let started = waiting.finish(Duration::from_secs(120)).expect("it waits still");
    started.succeeds().says(&away);
    assert_eq!(instance.run(["status", "--json"]).succeeds().json()["running"], true);
    instance.stop();

    // One that refuses: it does not know the key any more.
    tang.new_keys();
    example.configure(&instance, "retry_for_seconds = 0");
    start(&instance).exits(9).says(&away);

    // One that hangs: the connection is made, and then there is nothing.
    tang.stop();
    let _mute = TcpListener::bind(("127.0.0.1", tang.port)).unwrap();
    example.configure(&instance, "retry_for_seconds = 0\ntimeout_seconds = 3");
    start(&instance).exits(9).says("/usr/bin/clevis did not end within 3 s").says("--ask");
    until("nothing that clevis started is left", Duration::from_secs(60), || {
        let processes = run(Command::new(program("ps")).args(["-ww", "-e", "-o", "args"]));
        !processes.succeeds().stdout.contains(&url)
    });
}
