use crate::machine::{comes_up, start};
use crate::manual::{Example, free_ports};
use crate::support::Instance;
use crate::support::machine::program;
use crate::support::process::{Running, run, until};
use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where a machine has its TPM: emulated ones, of which one at a time is in it.
struct Socket {
    directory: PathBuf,
    port: u16,
    running: Option<Running>,
}

impl Socket {
    fn of(instance: &Instance) -> Self {
        Self { directory: instance.work(), port: free_ports(), running: None }
    }

    /// Switches the machine off and on, with this TPM in it, which is made when there is none of that name.
    #[track_caller]
    fn reboot_with(&mut self, name: &str) {
        self.shut_down();
        self.boot_with(name);
    }

    /// What the kernel tells the TPM before the machine goes off.
    #[track_caller]
    fn shut_down(&mut self) {
        if self.running.is_some() {
            self.tool("tpm2_shutdown", &["--clear"]);
        }
        self.running = None;
    }

    /// Power fails and comes back.
    #[track_caller]
    fn boot_with(&mut self, name: &str) {
        self.running = None;
        let state = self.directory.join(name);
        fs::create_dir_all(&state).unwrap();
        let at = |port: u16| format!("type=tcp,bindaddr=127.0.0.1,port={port}");
        let mut command = Command::new(program("swtpm"));
        command.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"]);
        command.arg(format!("dir={}", state.display()));
        command.args(["--server", &at(self.port), "--ctrl", &at(self.port + 1)]);
        self.running = Some(Running::spawn(command.stdin(Stdio::null())));
        until("the TPM answers", Duration::from_secs(60), || {
            let ended = self.running.as_mut().and_then(Running::ended);
            assert!(ended.is_none(), "{}", ended.unwrap());
            TcpStream::connect(("127.0.0.1", self.port + 1)).is_ok()
        });
    }

    fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.port)
    }

    /// What a boot loader does that finds something else than before.
    #[track_caller]
    fn extend(&self, pcr: u8) {
        self.tool("tpm2_pcrextend", &[&format!("{pcr}:sha256={}", "5a".repeat(32))]);
    }

    #[track_caller]
    fn tool(&self, name: &str, arguments: &[&str]) {
        let mut command = Command::new(program(name));
        run(command.args(arguments).env("TPM2TOOLS_TCTI", self.tcti())).succeeds();
    }
}

/// A machine whose service gets its secret from its TPM as the manual says.
fn sealed() -> (Instance, Socket) {
    let instance = Instance::initialised();
    let mut socket = Socket::of(&instance);
    socket.boot_with("own");
    let example =
        Example::of("TPM by clevis", &instance, &[("device:/dev/tpmrm0", &socket.tcti())]);
    example.set_up(&instance);
    comes_up(&instance);
    example.configure(&instance, "retry_for_seconds = 0");
    (instance, socket)
}

#[test]
fn a_secret_sealed_by_the_tpm_starts_the_service_with_this_tpm_and_after_this_boot_only() {
    let (instance, mut socket) = sealed();
    socket.reboot_with("own");
    socket.extend(8);
    comes_up(&instance);
    socket.extend(7);
    let refused = start(&instance).exits(9).says("/usr/bin/env failed").says("--ask");
    refused.says("a policy check failed").says("Unsealing jwk from TPM failed!");
    assert!(!instance.state().join("run/ezncrypt.pid").exists());
    socket.reboot_with("own");
    comes_up(&instance);

    socket.reboot_with("another");
    start(&instance).exits(9).says("integrity check failed").says("Loading jwk to TPM2 failed!");
    socket.shut_down();
    start(&instance).exits(9).says("Could not load tcti").says(socket.tcti());
    assert!(!instance.state().join("run/ezncrypt.pid").exists());
    socket.boot_with("own");
    comes_up(&instance);
}

/// The TPM cannot tell whether a guess of somebody's was to be forgotten.
#[test]
fn a_tpm_that_locks_itself_after_power_cuts_is_said_to_and_is_unlocked_as_the_manual_says() {
    let (instance, mut socket) = sealed();
    socket.boot_with("own");
    comes_up(&instance);
    // The emulator locks itself after three.
    let mut cuts = 1;
    let refused = loop {
        socket.boot_with("own");
        cuts += 1;
        let started = start(&instance);
        if started.code != Some(0) {
            break started;
        }
        assert!(cuts < 10, "it is not locked");
        instance.stop();
    };
    refused.exits(9).says("the TPM is in DA lockout mode");
    socket.tool("tpm2_dictionarylockout", &["--clear-lockout"]);
    comes_up(&instance);
}
