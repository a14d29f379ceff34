//! How it is seen that an attack worked, and what it is carried out with.

use crate::support::machine::program;
use crate::support::process::run;
use crate::support::server::{Attempt, Place};
use crate::support::template::{PASSWORD, SECRET};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How it is seen that an attack worked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Code of the attacker's ran in the server.
    Marker,
    /// A user of the attacker's may log in.
    Intruder,
    /// A server whose password the attacker knows tells the row of this table.
    Row(&'static str),
    /// The row comes out of a port without any login.
    Port,
    /// Not tried on the bare server: what is to be shown is the refusal.
    RefusalOnly,
}

impl Evidence {
    /// Whether what was carried out by `command` worked; what it left is taken away.
    #[track_caller]
    pub fn seen(self, place: &Place, command: &Command, attempt: Attempt) -> bool {
        match self {
            Self::Marker => fs::remove_file(marker(place)).is_ok(),
            Self::Intruder => {
                let server = match attempt {
                    Attempt::Up(server) => server,
                    Attempt::Ended(..) => place.start(),
                };
                let open = server.sql_as("intruder", "x", "SELECT 1").code == Some(0);
                server
                    .sql("DELETE FROM mysql.global_priv WHERE User = 'intruder'; FLUSH PRIVILEGES");
                open
            }
            Self::Row(table) => {
                let row = attempt.up().sql_as(
                    "root",
                    PASSWORD,
                    &format!("SELECT text FROM shop.{table}"),
                );
                row.stdout.trim() == SECRET
            }
            Self::Port => {
                let _server = attempt.up();
                row_without_login(place, command).contains(SECRET)
            }
            Self::RefusalOnly => panic!("nothing can be seen"),
        }
    }
}

/// Asks HandlerSocket for the row; its port is in the arguments, or in the option file.
fn row_without_login(place: &Place, command: &Command) -> String {
    let arguments: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let file = fs::read_to_string(place.directory("attack").join("my.cnf")).unwrap_or_default();
    let mut words = arguments.iter().map(AsRef::as_ref).chain(file.lines());
    let port = words.find_map(|word| word.split_once("handlersocket-port=")).unwrap().1;
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut answers = String::new();
    let login = "A\t1\tOfTheAttacker\n";
    for request in [login, "P\t1\tshop\tsecrets\tPRIMARY\tid,text\n", "1\t=\t1\t1\n"] {
        stream.write_all(request.as_bytes()).unwrap();
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).unwrap();
        answers += &String::from_utf8_lossy(&buffer[..length]);
    }
    answers
}

/// What a library of the attacker's leaves behind.
pub fn marker(place: &Place) -> PathBuf {
    place.open_directory("spoils").join("marker")
}

/// Makes a library that writes the name of the program it was loaded into; returns its path, in
/// `attack/lib/mysql/plugin`.
pub fn spy(place: &Place) -> PathBuf {
    let library = place.directory("attack/lib/mysql/plugin").join("spy.so");
    if !library.exists() {
        let source = place.file("attack/spy.c", SPY);
        let mut compiler = Command::new(program("cc"));
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
        run(compiler.arg(format!("-DMARKER=\"{}\"", marker(place).display()))).succeeds();
    }
    library
}

const SPY: &str = r#"#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
__attribute__((constructor)) static void mark(void) {
    FILE *file = fopen(MARKER, "a");
    if (file) {
        fprintf(file, "%s\n", program_invocation_short_name);
        fclose(file);
    }
}
"#;

/// Which programs the attacker's library was loaded into, by name.
pub fn marked(place: &Place) -> Vec<String> {
    let text = fs::read_to_string(marker(place)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}
