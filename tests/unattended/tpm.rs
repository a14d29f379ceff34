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
        let mut command = Command::new(program("tpm2_pcrextend"));
        command.arg(format!("{pcr}:sha256={}", "5a".repeat(32))).env("TPM2TOOLS_TCTI", self.tcti());
        run(&mut command).succeeds();
    }
}

#[test]
fn a_secret_sealed_by_the_tpm_starts_the_service_with_this_tpm_and_after_this_boot_only() {
    let instance = Instance::initialised();
    let mut socket = Socket::of(&instance);
    socket.boot_with("own");
    let own = [("device:/dev/tpmrm0", socket.tcti())];
    let own = own.each_ref().map(|(theirs, ours)| (*theirs, ours.as_str()));
    let example = Example::of("TPM by clevis", &instance, &own);
    example.set_up(&instance);
    comes_up(&instance);
    example.configure(&instance, "retry_for_seconds = 0");

    socket.boot_with("own");
    socket.extend(8);
    comes_up(&instance);
    socket.extend(7);
    let refused = start(&instance).exits(9).says("/usr/bin/env failed").says("--ask");
    refused.says("a policy check failed").says("Unsealing jwk from TPM failed!");
    assert!(!instance.state().join("run/ezncrypt.pid").exists());
    socket.boot_with("own");
    comes_up(&instance);

    socket.boot_with("another");
    start(&instance).exits(9).says("integrity check failed").says("Loading jwk to TPM2 failed!");
    socket.running = None;
    start(&instance).exits(9).says("Could not load tcti").says(socket.tcti());
    assert!(!instance.state().join("run/ezncrypt.pid").exists());
    socket.boot_with("own");
    comes_up(&instance);
}
