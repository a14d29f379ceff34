//! Key servers: a real one, with certificates made by `openssl`, and ones that do everything wrong.

use crate::support::machine::{program, tool_in};
use crate::support::process::{Running, kill_all_naming, run, until};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Certificates, a port, and the server when it runs.
pub struct KeyServer {
    pub directory: PathBuf,
    pub port: u16,
    running: Option<Running>,
}

impl KeyServer {
    /// Certificates for a server at 127.0.0.1, not running yet.
    #[track_caller]
    pub fn prepared(directory: &Path) -> Self {
        let directory = directory.join("kmip");
        fs::create_dir(&directory).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { directory, port, running: None };
        server.authority("ca");
        server.authority("foreign");
        for name in ["server", "client"] {
            server.certificate(name, "ca", "IP:127.0.0.1,DNS:localhost", &["-days", "2"]);
        }
        fs::copy(server.at("ca.crt"), server.at("server-ca.crt")).unwrap();
        server
    }

    /// A file beside the certificates.
    pub fn at(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    #[track_caller]
    fn openssl(&self, line: &str) {
        let mut command = Command::new(program("openssl"));
        run(command.args(line.split(' ')).current_dir(&self.directory)).succeeds();
    }

    fn authority(&self, name: &str) {
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        self.openssl(&format!(
            "req -x509 {key} -keyout {name}.key -out {name}.crt -subj /CN={name} -days 2"
        ));
    }

    /// A certificate by this authority, for these names and this time.
    #[track_caller]
    pub fn certificate(&self, name: &str, by: &str, names: &str, time: &[&str]) {
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        let usage = "extendedKeyUsage=serverAuth,clientAuth";
        fs::write(self.at("extensions"), format!("subjectAltName={names}\n{usage}\n")).unwrap();
        self.openssl(&format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        let signed = format!("-CA {by}.crt -CAkey {by}.key -CAcreateserial -extfile extensions");
        let time = time.join(" ");
        self.openssl(&format!("x509 -req -in {name}.csr {signed} {time} -out {name}.crt"));
    }

    /// A certificate by `ca` that is good from tomorrow on, for the key that there is.
    #[track_caller]
    pub fn certificate_from_tomorrow(&self, name: &str) {
        let config = "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nserial=serial\n\
                      default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n";
        for (file, text) in [("ca.conf", config), ("index", ""), ("serial", "01\n")] {
            fs::write(self.at(file), text).unwrap();
        }
        let day = |days: u32| {
            let words = format!("+{days} days");
            let line = ["-u", "-d", &words, "+%Y%m%d%H%M%SZ"];
            run(Command::new(program("date")).args(line)).succeeds().stdout.trim().to_owned()
        };
        self.openssl(&format!(
            "ca -batch -notext -config ca.conf -cert ca.crt -keyfile ca.key -extfile extensions \
             -startdate {} -enddate {} -in {name}.csr -out {name}.crt",
            day(1),
            day(2)
        ));
    }

    /// Starts the server, which speaks this version only, and waits until it has its objects.
    #[track_caller]
    pub fn start(&mut self, version: &str) {
        self.spawn(version);
        self.wait();
    }

    /// Starts the server and does not wait.
    pub fn spawn(&mut self, version: &str) {
        self.stop();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unattended/key_server.py");
        let mut command = Command::new(tool_in("venv/bin", "python"));
        command.arg(script).arg(&self.directory).arg(self.port.to_string()).arg(version);
        self.running = Some(Running::spawn(command.stdin(Stdio::null())));
    }

    /// Waits until the server has its objects and answers.
    #[track_caller]
    pub fn wait(&mut self) {
        until("the key server serves", Duration::from_secs(60), || {
            let ended = self.running.as_mut().and_then(Running::ended);
            assert!(ended.is_none(), "{}", ended.unwrap());
            self.at("objects.json").exists() && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
    }

    /// Kills it, and the helper processes that Python's `multiprocessing` leaves behind.
    pub fn stop(&mut self) {
        self.running = None;
        kill_all_naming(&self.directory);
    }

    /// The identifier of an object.
    pub fn object(&self, name: &str) -> String {
        let names = fs::read_to_string(self.at("objects.json")).unwrap();
        let names: serde_json::Value = serde_json::from_str(&names).unwrap();
        names[name].as_str().unwrap().to_owned()
    }

    /// The section that names this server.
    pub fn section(&self, host: &str, object: &str, more: &str) -> String {
        let at = |name: &str| self.at(name).display().to_string();
        format!(
            "timeout_seconds = 5\nretry_for_seconds = 0\n[unattended.kmip]\nserver = '{host}:{}'\nca = '{}'\n\
             certificate = '{}'\nkey = '{}'\nobject = '{object}'\n{more}",
            self.port,
            at("ca.crt"),
            at("client.crt"),
            at("client.key")
        )
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A server that lets `talk` have each connection; gone with the test.
pub fn fake(talk: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let talk = talk.clone();
            std::thread::spawn(move || talk(socket));
        }
    });
    port
}

/// Reads and says nothing.
pub fn silence(mut socket: TcpStream) {
    let _ = socket.read_to_end(&mut Vec::new());
}

/// Says what is no TLS.
pub fn garbage(mut socket: TcpStream) {
    let _ = socket.write_all(&[0x5a; 4096]);
    silence(socket);
}

/// Says that something is wrong with itself: a fatal alert, `internal_error`.
pub fn in_trouble(mut socket: TcpStream) {
    let _ = socket.write_all(&[0x15, 3, 3, 0, 2, 2, 80]);
    silence(socket);
}

/// Begins a TLS record and sends a byte of it now and then.
pub fn drip(mut socket: TcpStream) {
    let record = [0x16, 3, 3, 0x40, 0];
    for byte in record.into_iter().chain(std::iter::repeat(2)) {
        if socket.write_all(&[byte]).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
