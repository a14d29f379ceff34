//! How the kernel's requests reach the service.

use super::support::Instance;
use super::support::fixture::Fixture;
use std::fs;
use std::path::Path;

/// Whether this kernel knows rings at all.
fn kernel_knows_rings() -> bool {
    Path::new("/sys/module/fuse/parameters/enable_uring").exists()
}

/// Starts the service with nothing but these to say how.
fn start(instance: &Instance, args: &[&str], environment: Option<&str>) {
    let mut command = instance.command("ezncrypt", ["start"].iter().chain(args));
    command.env_remove("EZNCRYPT_TRANSPORT");
    command.envs(environment.map(|way| ("EZNCRYPT_TRANSPORT", way)));
    super::support::process::run(&mut command).succeeds();
}

fn transport(instance: &Instance) -> String {
    let status = instance.run(["status", "--json"]).succeeds().json();
    status["transport"].as_str().unwrap().to_owned()
}

#[test]
fn files_are_served_either_way_and_status_tells_which() {
    let fixture = Fixture::new();
    let instance = &fixture.instance;
    let rings = if kernel_knows_rings() { "io_uring" } else { "device" };
    let mut before = Vec::new();
    for (way, expected) in [("device", "device"), ("io-uring", rings), ("device", "device")] {
        instance.run(["stop"]).succeeds();
        start(instance, &["--transport", way], None);
        assert_eq!(transport(instance), expected);
        // What was written the other way is there, also what goes in requests of every size.
        assert_eq!(fs::read(fixture.at("file")).unwrap_or_default(), before);
        before = format!("written through {way}, ").repeat(200_000).into_bytes();
        fs::write(fixture.at("file"), &before).unwrap();
        assert_eq!(fs::read_dir(fixture.path()).unwrap().count(), 1);
        let text = instance.run(["status"]).succeeds().stdout;
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn the_option_goes_before_the_environment_and_that_before_the_configuration() {
    let instance = Instance::initialised();
    let configuration = instance.state().join("ezncrypt.toml");
    fs::write(&configuration, "[mount]\ntransport = 'device'\n").unwrap();
    let rings = if kernel_knows_rings() { "io_uring" } else { "device" };
    for (args, environment, expected) in [
        (&[][..], None, "device"),
        (&[], Some("io-uring"), rings),
        (&["--transport", "device"], Some("io-uring"), "device"),
    ] {
        start(&instance, args, environment);
        assert_eq!(transport(&instance), expected, "{args:?} {environment:?}");
        instance.run(["stop"]).succeeds();
    }
}

#[test]
fn an_unknown_way_is_named_and_a_broken_configuration_keeps_nobody_who_types_from_starting() {
    let instance = Instance::initialised();
    instance.run(["start", "--transport", "pigeon"]).exits(2).says("io-uring");
    fs::write(instance.state().join("ezncrypt.toml"), "[mount]\ntransport = 'pigeon'\n").unwrap();
    let mut command = instance.command("ezncrypt", ["start"]);
    let started = super::support::process::run(command.env_remove("EZNCRYPT_TRANSPORT"));
    started.succeeds().says("ezncrypt.toml:2:13");
    instance.run(["stop"]).succeeds();
}
