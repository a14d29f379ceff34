//! After a reboot: everything is killed, and from each source of the unattended secret the service comes up
//! with no terminal, MariaDB runs on its encrypted data, and cron makes its dump. Runs as root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "backup/cron.rs"]
mod cron;
#[allow(dead_code)]
#[path = "unattended/key_server.rs"]
mod key_server;
#[allow(dead_code)]
#[path = "unattended/machine.rs"]
mod machine;
mod support;

use cron::Cron;
use key_server::KeyServer;
use machine::{SECRET, configure, unattended, with_slot};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use support::Instance;
use support::account::Account;
use support::machine::program;
use support::mariadb::MariaDb;
use support::process::{ended_within, run, send};

const ROW: &str = "the only row of the table";

/// A machine with a server on encrypted data, and an encrypted option file and directory of dumps.
struct Machine {
    instance: Instance,
    account: Account,
    source: &'static str,
}

impl Machine {
    fn new(source: &'static str) -> Self {
        let instance = with_slot(SECRET);
        instance.start();
        MariaDb::install(&instance.work().join("data"));
        let home = instance.work().join("home");
        let machine = Self { account: Account::new(&home, &[]), instance, source };
        machine.instance.encrypt("@mysql", &machine.at("data"));
        machine.instance.allow("@mysql", &program("mariadbd"));
        let options = machine.at("dump.cnf");
        let text = format!(
            "[mysqldump]\nuser=root\nsocket={}\nresult-file={}\n",
            machine.at("run/s").display(),
            machine.dump().display()
        );
        fs::write(&options, text).unwrap();
        fs::create_dir(machine.at("dumps")).unwrap();
        for path in [&options, &machine.at("dumps")] {
            machine.account.own(path);
            machine.instance.encrypt("@backup", path);
        }
        machine.instance.allow("@backup", &program("mysqldump"));
        let server = machine.server();
        server.sql(&format!("CREATE DATABASE d; CREATE TABLE d.t SELECT '{ROW}' AS c"));
        machine.reboot(server);
        machine
    }

    fn at(&self, name: &str) -> PathBuf {
        self.instance.work().join(name)
    }

    fn dump(&self) -> PathBuf {
        self.at("dumps").join("all.sql")
    }

    fn server(&self) -> MariaDb {
        MariaDb::start(&self.at("data"), &self.at("run"))
    }

    /// Everything dies at once, the server and what holds its files included.
    fn reboot(&self, server: MariaDb) {
        let service = self.instance.pid();
        for pid in [service, server.pid()] {
            send(pid, Signal::KILL);
        }
        drop(server);
        assert!(ended_within(service, Duration::from_secs(30)), "{}", self.source);
    }

    fn job(&self) -> String {
        let options = self.at("dump.cnf");
        format!("/usr/bin/mysqldump --defaults-file={} --all-databases", options.display())
    }
}

#[test]
fn after_a_reboot_service_server_and_cron_job_come_up_from_each_source() {
    let sources = ["file", "command", "credential", "kmip"];
    let machines = sources.map(Machine::new);
    let [file, command, credential, kmip] = &machines;
    let mut key_server = KeyServer::prepared(&kmip.instance.work());
    key_server.start("1.4");
    let secret = |machine: &Machine| machine.instance.secret_file("unattended", SECRET);
    configure(&file.instance, &format!("file = '{}'", secret(file).display()));
    let stdin = secret(command);
    configure(&command.instance, &format!("command = ['/bin/cat']\nstdin = '{}'", stdin.display()));
    configure(&credential.instance, "credential = 'unattended'");
    let section = key_server.section("127.0.0.1", &key_server.object("secret"), "");
    configure(&kmip.instance, &section);

    let cron = Cron::running();
    let servers: Vec<MariaDb> = machines
        .iter()
        .map(|machine| {
            let mut start = unattended(&machine.instance, &["start"]);
            if machine.source == "credential" {
                start.env("CREDENTIALS_DIRECTORY", secret(machine).parent().unwrap());
            }
            run(&mut start).succeeds();
            let server = machine.server();
            assert_eq!(server.sql("SELECT c FROM d.t").trim(), ROW, "{}", machine.source);
            server
        })
        .collect();
    std::thread::scope(|scope| {
        for machine in &machines {
            scope.spawn(|| {
                let ran = cron.once(&machine.account, &[], &[machine.job()]);
                assert_eq!(ran, [(0, String::new())], "{}", machine.source);
            });
        }
    });
    for (machine, server) in machines.iter().zip(servers) {
        assert!(fs::read(machine.dump()).is_err(), "{}: the dump is open", machine.source);
        server.shut_down();
        machine.instance.decrypt(&machine.at("dumps"));
        let dump = fs::read_to_string(machine.dump()).unwrap();
        assert!(dump.contains(ROW), "{}: the row is not in the dump", machine.source);
    }
}

/// The secret itself, shown in every way in which an administrator's could be.
#[test]
fn the_unattended_secret_is_refused_where_an_administrator_s_is_needed() {
    let instance = with_slot(SECRET);
    run(&mut unattended(&instance, &["start"])).succeeds();
    let file = instance.work().join("file");
    fs::write(&file, "plain").unwrap();
    instance.encrypt("@c", &file);
    let secret = instance.secret_file("unattended", SECRET);
    let secret = secret.to_str().unwrap();
    let empty = instance.secret_file("empty", " ");
    let printing = instance.work().join("print");
    fs::write(&printing, format!("#!/bin/sh\nprintf '%s\\n%s\\n' '{SECRET}' '{SECRET}'\n"))
        .unwrap();
    fs::set_permissions(&printing, fs::Permissions::from_mode(0o700)).unwrap();
    let ways: [&[&str]; 3] = [
        &["--passphrase-file", secret, "--salt-file", secret],
        &["--passphrase-file", secret, "--salt-file", empty.to_str().unwrap()],
        &["--credential-command", printing.to_str().unwrap()],
    ];
    let path = file.to_str().unwrap();
    let refused: [&[&str]; 4] = [
        &["-d", path],
        &[
            "key",
            "export",
            "@c",
            "--to",
            "passphrase",
            "--bundle-passphrase-file",
            secret,
            "--bundle-salt-file",
            secret,
        ],
        &["key", "remove", "1"],
        &["decrypt-file", "/etc/passwd", "-o", "/nowhere/x"],
    ];
    for way in ways {
        for line in refused {
            run(&mut unattended(&instance, &[line, way].concat())).exits(3);
        }
        let mut add = instance.command("ezncrypt-access-control", ["-a", "ALLOW @c * /bin/cat"]);
        add.env_remove("EZNCRYPT_PASSPHRASE_FILE").env_remove("EZNCRYPT_SALT_FILE");
        run(add.args(way)).exits(3);
    }
    // Neither over the socket, as what it is.
    let paths = ezncrypt::service::Paths::new(instance.state());
    let shown = ezncrypt::keystore::Secret::Unattended(ezncrypt::crypto::SecretBytes::new(
        SECRET.as_bytes().to_vec(),
    ));
    let request = ezncrypt::service::protocol::Request::Decrypt {
        paths: vec![file.clone().into_os_string()],
        secret: shown,
    };
    let failure = ezncrypt::service::client::call(&paths, request, &mut |_| {}).unwrap_err();
    assert_eq!(failure.kind, ezncrypt::service::protocol::FailureKind::Denied);
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
}
