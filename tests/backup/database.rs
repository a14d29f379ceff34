//! What is in a server, so that one that was restored can be compared.

use crate::support::machine::program;
use crate::support::process::Running;
use crate::support::server::{Place, Server};
use crate::support::template::{self, PASSWORD};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Tables of several kinds, and what belongs to a schema besides.
pub const OBJECTS: &str = "USE shop;
    CREATE TABLE kinds (id INT PRIMARY KEY AUTO_INCREMENT, raw VARBINARY(64), amount DECIMAL(20,5),
        at DATETIME(6), words TEXT CHARACTER SET utf8mb4, choice ENUM('a','b'), big LONGBLOB);
    INSERT INTO kinds (raw, amount, at, words, choice, big)
        SELECT UNHEX(SHA2(seq, 256)), seq / 7, '2026-01-01' + INTERVAL seq SECOND,
            CONCAT('Größe \\' \" \\n ', seq), IF(seq % 2, 'a', 'b'), REPEAT(CHAR(seq % 256), seq)
        FROM seq_1_to_2000;
    CREATE VIEW names AS SELECT text FROM people;
    CREATE PROCEDURE twice(n INT) SELECT 2 * n;
    CREATE FUNCTION thrice(n INT) RETURNS INT DETERMINISTIC RETURN 3 * n;
    CREATE TRIGGER lower BEFORE INSERT ON people FOR EACH ROW SET NEW.text = LOWER(NEW.text);
    CREATE EVENT never ON SCHEDULE EVERY 1 YEAR DISABLE DO DELETE FROM secrets;
    CREATE USER app@localhost IDENTIFIED BY 'PasswordOfTheApplication';
    GRANT SELECT ON shop.* TO app@localhost";

/// Everything that a backup must bring back, as text.
#[track_caller]
pub fn contents(server: &Server) -> String {
    let tables = server.sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1",
    );
    assert!(tables.lines().count() >= 4, "{tables}");
    let mut text = tables.clone();
    for table in tables.lines() {
        text +=
            &server.sql(&format!("CHECKSUM TABLE shop.{table}; SELECT COUNT(*) FROM shop.{table}"));
    }
    text + &server.sql(
        "SELECT host, user, priv FROM mysql.global_priv ORDER BY 1, 2;
         SELECT host, db, user, select_priv FROM mysql.db ORDER BY 1, 2, 3;
         SELECT routine_name, routine_type, routine_definition FROM information_schema.routines
            WHERE routine_schema = 'shop' ORDER BY 1;
         SELECT trigger_name, action_statement FROM information_schema.triggers
            WHERE trigger_schema = 'shop' ORDER BY 1;
         SELECT event_name, event_definition FROM information_schema.events
            WHERE event_schema = 'shop' ORDER BY 1;
         SELECT table_name, view_definition FROM information_schema.views
            WHERE table_schema = 'shop' ORDER BY 1",
    )
}

/// Fails the test unless an empty server has, after `mariadb < dump`, what the first one has.
#[track_caller]
pub fn assert_restores(dump: &Path, first: &Server, base: PathBuf) {
    fs::create_dir(&base).unwrap();
    let data = base.join("data");
    template::copy_without_rows(&data);
    let place = Place::new(program("mariadbd"), data, base);
    let second = place.start();
    let mut client = Command::new(program("mariadb"));
    client.args(["--no-defaults", "--user=root"]).env("MYSQL_PWD", PASSWORD);
    client.arg(format!("--socket={}", place.socket().display()));
    let mut running = Running::spawn(client.stdin(File::open(dump).unwrap()));
    running.finish(Duration::from_secs(120)).expect("it does not end").succeeds();
    assert_eq!(contents(&second), contents(first));
}
