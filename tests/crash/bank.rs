//! Clients of a database server that take down which of their transactions were acknowledged.

use super::support::machine::program;
use super::support::mariadb::MariaDb;
use super::support::process::Killed;
use super::support::random::Random;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::Duration;

const ACCOUNTS: u64 = 200;
/// As many of its last entries each client leaves there.
const KEPT: u64 = 500;

/// One client's transactions, counted through all rounds.
#[derive(Default)]
pub struct Client {
    begun: AtomicU64,
    acknowledged: AtomicU64,
}

impl Client {
    /// Transactions that were acknowledged and begun.
    pub fn standing(&self) -> (u64, u64) {
        // In this order: what is acknowledged was begun.
        let acknowledged = self.acknowledged.load(SeqCst);
        (acknowledged, self.begun.load(SeqCst))
    }
}

/// The tables; call it once, in a database that exists.
pub fn prepare(server: &MariaDb) {
    server.sql(&format!(
        "CREATE DATABASE bank; USE bank;
         CREATE TABLE entry (client INT, n INT, words TEXT, PRIMARY KEY (client, n), KEY (n));
         CREATE TABLE account (id INT PRIMARY KEY, amount INT);
         INSERT INTO account SELECT seq, 0 FROM seq_1_to_{ACCOUNTS}"
    ));
}

/// Has a client move money until its server is gone.
pub fn employ(
    number: usize,
    client: &Arc<Client>,
    socket: &Path,
    seed: u64,
) -> (Killed, JoinHandle<()>) {
    let mut process = connect(socket, &["bank"]);
    let mut input = process.stdin.take().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
    let (client, mut random) = (client.clone(), Random(seed | 1));
    let work = move || loop {
        let n = client.begun.load(SeqCst) + 1;
        client.begun.store(n, SeqCst);
        if input.write_all(transaction(number, n, &mut random).as_bytes()).is_err() {
            return;
        }
        let Some(Ok(line)) = output.next() else { return };
        assert_eq!(line, n.to_string());
        client.acknowledged.store(n, SeqCst);
    };
    (Killed(process), std::thread::spawn(work))
}

fn connect(socket: &Path, more: &[&str]) -> Child {
    let mut command = Command::new(program("mariadb"));
    command
        .args(["--no-defaults", "--user=root", "--batch", "--skip-column-names", "--unbuffered"])
        .arg(format!("--socket={}", socket.display()))
        .args(more);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Has a client make tables and put others in their place until its server is gone. InnoDB syncs a new table's file only
/// some time later, and must find something that it can recover. What became of them nobody asks.
pub fn employ_maker(socket: &Path) -> (Killed, JoinHandle<()>) {
    let mut process = connect(socket, &["--force"]);
    let mut input = process.stdin.take().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
    let work = move || loop {
        for n in 0..5 {
            let table = format!(
                "CREATE DATABASE IF NOT EXISTS made; DROP TABLE IF EXISTS made.t{n};
                 CREATE TABLE made.t{n} (id INT PRIMARY KEY, word TEXT);
                 INSERT INTO made.t{n} SELECT seq, 'word' FROM seq_1_to_200; SELECT {n};\n"
            );
            if input.write_all(table.as_bytes()).is_err() || output.next().is_none() {
                return;
            }
        }
    };
    (Killed(process), std::thread::spawn(work))
}

/// Moves something between two accounts, lower first so that no two wait for each other, and enters it.
fn transaction(client: usize, n: u64, random: &mut Random) -> String {
    let from = 1 + random.below(ACCOUNTS - 1);
    let to = from + 1 + random.below(ACCOUNTS - from);
    let (sum, length) = (random.below(100), length(n));
    let before = n.saturating_sub(KEPT);
    format!(
        "BEGIN; INSERT INTO entry VALUES ({client}, {n}, REPEAT('x', {length}));
         UPDATE account SET amount = amount - {sum} WHERE id = {from};
         UPDATE account SET amount = amount + {sum} WHERE id = {to};
         DELETE FROM entry WHERE client = {client} AND n = {before}; COMMIT; SELECT {n};\n"
    )
}

fn length(n: u64) -> u64 {
    n * 37 % 3000
}

const SOUND: &str = "bank.entry\tcheck\tstatus\tOK\nbank.account\tcheck\tstatus\tOK\n";

fn checked_tables(server: &MariaDb) -> String {
    server.sql("USE bank; CHECK TABLE entry, account EXTENDED")
}

/// Tells what is wrong with the tables after a crash before which `standing` was so; the clients go on from there.
pub fn judge(server: &MariaDb, clients: &[Arc<Client>], standing: &[(u64, u64)]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut checked = checked_tables(server);
    // Rows that were removed before the crash are purged after the start, and until then a check may warn of them.
    for _ in 0..100 {
        if checked == SOUND || !checked.contains("Unpurged") {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        checked = checked_tables(server);
    }
    if checked != SOUND {
        faults.push(format!("the tables: {checked}"));
    }
    let sum = server.sql("SELECT SUM(amount), COUNT(*) FROM bank.account");
    if sum.trim() != format!("0\t{ACCOUNTS}") {
        faults.push(format!("half a transaction: {sum}"));
    }
    for (number, (client, (acknowledged, begun))) in clients.iter().zip(standing).enumerate() {
        let rows = server.sql(&format!(
            "SELECT COUNT(*), COALESCE(MAX(n), 0), COALESCE(SUM(LENGTH(words) != n * 37 % 3000), 0)
             FROM bank.entry FORCE INDEX (PRIMARY) WHERE client = {number}"
        ));
        let numbers: Vec<u64> = rows.split_whitespace().map(|word| word.parse().unwrap()).collect();
        let [count, last, wrong] = numbers[..] else { panic!("{rows:?}") };
        if !(*acknowledged..=*begun).contains(&last) || count != last.min(KEPT) || wrong != 0 {
            faults.push(format!(
                "client {number}: {acknowledged} to {begun} are to be there, and there are {count} up to {last}, {wrong} wrong"
            ));
        }
        client.begun.store(last, SeqCst);
        client.acknowledged.store(last, SeqCst);
    }
    faults
}
