//! A server of the user's, which asks clients for their password in the clear.

use crate::bench::Bench;
use crate::support::machine::program;
use crate::support::process::{Running, run, until};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Copies an encrypted file as soon as it is loaded into a process that may read it.
const STEALING: &str = r#"
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void steal(void)
{
    char bytes[4096];
    int from = open(FROM, O_RDONLY), to = open(TO, O_WRONLY | O_CREAT, 0600);
    ssize_t length;
    while ((length = read(from, bytes, sizeof bytes)) > 0 && write(to, bytes, length) > 0) { }
}
"#;

/// A running fake server; what it gets is in the home directory.
pub struct Fake {
    pub socket: PathBuf,
    _server: Running,
}

impl Fake {
    /// Listens on a socket in the home directory.
    #[track_caller]
    pub fn on_a_socket(bench: &Bench) -> Self {
        let socket = bench.home("socket");
        let address = socket.to_str().unwrap().to_owned();
        Self::start(bench, "mysql_clear_password", &address, socket)
    }

    /// Listens on the bench's port.
    #[track_caller]
    pub fn on_the_port(bench: &Bench) -> Self {
        Self::start(bench, "mysql_clear_password", &bench.port.to_string(), PathBuf::new())
    }

    /// Listens on a socket, and asks for a plugin that lies in the home directory.
    #[track_caller]
    pub fn with_a_plugin(bench: &Bench) -> Self {
        stealing_plugin(bench, "stealing");
        let socket = bench.home("socket");
        let address = socket.to_str().unwrap().to_owned();
        Self::start(bench, "stealing", &address, socket)
    }

    #[track_caller]
    fn start(bench: &Bench, plugin: &str, address: &str, socket: PathBuf) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/backup/fake.py");
        // The user need not reach the repository.
        let script = bench.write_home("fake.py", &std::fs::read_to_string(script).unwrap());
        let mut command = bench.account.command(program("python3"));
        command.arg(script).arg(bench.home("record")).args([plugin, address]);
        let mut server = Running::spawn(command.stdin(Stdio::null()));
        until("the fake server listens", Duration::from_secs(20), || {
            assert!(server.ended().is_none(), "{}", server.so_far());
            server.so_far().stdout.contains("ready")
        });
        Self { socket, _server: server }
    }
}

/// Builds a library in the home directory that steals the option file when it is loaded.
#[track_caller]
pub fn stealing_plugin(bench: &Bench, name: &str) -> PathBuf {
    let source = bench.write_home(&format!("{name}.c"), STEALING);
    let library = bench.home(&format!("{name}.so"));
    let define = |name: &str, path: &Path| format!("-D{name}=\"{}\"", path.display());
    let mut compiler = Command::new(program("cc"));
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    compiler.arg(define("FROM", &bench.option_file("backup.cnf")));
    run(compiler.arg(define("TO", &bench.home("stolen")))).succeeds();
    library
}
