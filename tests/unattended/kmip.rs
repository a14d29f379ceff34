use crate::key_server::{KeyServer, drip, fake, garbage, in_trouble, silence};
use crate::machine::{SECRET, comes_up, configure, start, with_slot};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn prepared() -> (crate::support::Instance, KeyServer) {
    let instance = with_slot(SECRET);
    let server = KeyServer::prepared(&instance.work());
    (instance, server)
}

#[test]
fn a_key_server_of_each_version_starts_the_service_and_one_that_comes_late_too() {
    let (instance, mut server) = prepared();
    server.start("1.2");
    let object = server.object("secret");
    for host in ["127.0.0.1", "localhost"] {
        configure(&instance, &server.section(host, &object, ""));
        comes_up(&instance);
    }
    for version in ["1.0", "1.4", "2.0"] {
        server.start(version);
        configure(&instance, &server.section("127.0.0.1", &object, ""));
        comes_up(&instance);
    }
    server.stop();
    start(&instance).exits(9).says("cannot be reached").says("--ask");
    let patient = server.section("127.0.0.1", &object, "");
    configure(&instance, &patient.replace("retry_for_seconds = 0", "retry_for_seconds = 60"));
    server.spawn("1.2");
    comes_up(&instance);
}

#[test]
fn a_symmetric_key_is_a_secret_and_other_objects_are_refused_by_name() {
    let (instance, mut server) = prepared();
    server.start("1.2");
    let with = |object: &str| {
        configure(&instance, &server.section("127.0.0.1", object, ""));
        start(&instance)
    };
    with(&server.object("key")).exits(3).says("opens no keyslot");
    with(&server.object("opaque")).exits(2).says("neither a symmetric key nor secret data");
    with("nothing").exits(4).says("it refuses: item not found");
}

#[test]
fn certificates_that_are_expired_foreign_or_for_another_name_are_each_said_to_be() {
    let (instance, mut server) = prepared();
    let object = "1";
    let names = "IP:127.0.0.1";
    let expired = ["-days", "-1"];
    configure(&instance, &server.section("127.0.0.1", object, ""));
    for (by, names, time, said) in [
        ("ca", names, &expired[..], "its certificate has expired"),
        ("foreign", names, &["-days", "2"][..], "not issued by the authority"),
        ("ca", "DNS:elsewhere.example", &["-days", "2"][..], "is for another name than 127.0.0.1"),
    ] {
        server.certificate("server", by, names, time);
        fs::write(server.at("objects.json"), "{}").unwrap();
        server.start("1.2");
        start(&instance).exits(4).says(said).says("hint:");
    }
    // As after a boot with a dead clock: that passes, so it is tried again.
    server.certificate_from_tomorrow("server");
    server.start("1.2");
    start(&instance).exits(9).says("not valid yet, by the clock of this machine");
    server.certificate("server", "ca", "DNS:elsewhere.example", &["-days", "2"]);
    server.start("1.2");
    let named = server.section("127.0.0.1", object, "server_name = 'elsewhere.example'");
    configure(&instance, &named);
    start(&instance).exits(4).says("it refuses: item not found");
    for (by, time, said) in
        [("ca", &expired[..], "it has expired"), ("foreign", &["-days", "2"][..], "who issued it")]
    {
        server.certificate("client", by, "DNS:client", time);
        start(&instance).exits(4).says("it refuses our certificate").says(said);
    }
    fs::set_permissions(server.at("client.key"), fs::Permissions::from_mode(0o644)).unwrap();
    start(&instance).exits(4).says("open to others");
}

#[test]
fn garbage_silence_and_a_byte_now_and_then_end_in_time() {
    let (instance, mut server) = prepared();
    for (port, code, said) in [
        (fake(garbage), 4, "no TLS connection"),
        (fake(in_trouble), 9, "no TLS connection"),
        (fake(silence), 9, "did not answer in time"),
        (fake(drip), 9, "did not answer in time"),
        (fake(drop), 9, "closed the connection"),
    ] {
        server.port = port;
        configure(&instance, &server.section("127.0.0.1", "1", ""));
        start(&instance).exits(code).says(said).says(format!("127.0.0.1:{port}"));
    }
    configure(&instance, &server.section("no-such-host.invalid", "1", ""));
    start(&instance).exits(9).says("no-such-host.invalid cannot be found");
}
