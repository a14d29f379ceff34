//! A fake server exactly where the option file says the real one is: no rule can tell the difference,
//! so the recipe says where that must be.

use crate::attack::{loot, tells};
use crate::bench::{Bench, PASSWORD, Rules};
use crate::fake::Fake;
use crate::support::process::run;

/// An option file of a server on a port that anybody may listen on, with more lines, and its rule.
fn on_a_port(bench: &Bench, name: &str, more: &str) {
    let text = format!(
        "[mysqldump]\nuser=backup\npassword={PASSWORD}\nhost=127.0.0.1\nprotocol=tcp\nport={}\n\
         result-file={}\n{more}\n",
        bench.port,
        bench.dump().display()
    );
    bench.encrypt_options(name, &text);
    bench.allow_arguments(name);
}

#[test]
fn whoever_takes_the_port_of_a_server_that_is_down_is_told_the_password() {
    let bench = Bench::new(Rules::Narrow);
    on_a_port(&bench, "tcp.cnf", "");
    let _fake = Fake::on_the_port(&bench);
    let outcome = bench.genuine("tcp.cnf");
    assert!(tells(&loot(&bench, &outcome)), "{outcome}");
}

#[test]
fn without_plugins_a_client_sends_no_password_in_the_clear() {
    let bench = Bench::new(Rules::Narrow);
    on_a_port(&bench, "tcp.cnf", "plugin-dir=/nonexistent");
    let _fake = Fake::on_the_port(&bench);
    let outcome = bench.genuine("tcp.cnf").says("mysql_clear_password");
    assert!(!tells(&loot(&bench, &outcome)), "{outcome}");
}

#[test]
fn nobody_takes_the_socket_in_the_servers_own_directory() {
    let bench = Bench::new(Rules::Narrow);
    let socket = bench.socket();
    let directory = socket.parent().unwrap();
    for line in [
        format!("mv '{}' '{}.away'", socket.display(), socket.display()),
        format!("rm -f '{}'", socket.display()),
        format!("ln -s /tmp/s '{}/other'", directory.display()),
    ] {
        run(bench.account.command_with_groups("/bin/sh").args(["-c", &line])).denied();
    }
    bench.genuine("backup.cnf").succeeds();
}
