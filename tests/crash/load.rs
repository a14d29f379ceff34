//! Everybody who works on the disk, and what is known of their work.

use super::bank::{self, Client};
use super::document::Document;
use super::history::Crash;
use super::moved::Moved;
use super::support::Instance;
use super::support::mariadb::MariaDb;
use super::support::process::{Killed, until};
use super::support::random::Random;
use super::writeback;
use super::writer::{Written, is_unserved};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

const WRITERS: usize = 3;
const CLIENTS: usize = 2;
const SOON: Duration = Duration::from_secs(60);

/// What is worked on, in all rounds.
pub struct Works {
    written: Vec<Arc<Written>>,
    document: Arc<Document>,
    moved: Arc<Moved>,
    clients: Vec<Arc<Client>>,
    /// How many moves are still to be waited for in this round.
    moves: u64,
    /// Steps of files that were answered until now.
    steps: usize,
}

/// What is known of all the work at one moment: how much was answered, or is durable, and how much was begun.
pub struct Standing {
    files: Vec<(usize, usize)>,
    document: (u64, u64),
    moved: (u64, u64),
    clients: Vec<(u64, u64)>,
}

/// Threads and clients at work; told to end when dropped.
pub struct Load {
    ended: Arc<AtomicBool>,
    dying: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    clients: Vec<(Killed, JoinHandle<()>)>,
}

impl Works {
    /// Makes files in an encrypted directory, and a directory at `moved`.
    pub fn new(files: &Path, moved: PathBuf) -> Self {
        let written = |number: usize| Written::new(files.join(number.to_string()), number);
        Self {
            written: (0..WRITERS).map(written).collect(),
            document: Arc::new(Document::new(files.join("document"))),
            moved: Arc::new(Moved::new(moved)),
            clients: (0..CLIENTS).map(|_| Arc::default()).collect(),
            moves: 0,
            steps: 0,
        }
    }

    /// Forgets what the clients did: there is a new database.
    pub fn begin_clients_anew(&mut self) {
        self.clients.iter_mut().for_each(|client| *client = Arc::default());
    }

    /// Has everybody work; on request tables are made, too.
    pub fn begin(
        &mut self,
        instance: &Instance,
        socket: &Path,
        makes_tables: bool,
        random: &mut Random,
    ) -> Load {
        let (ended, dying) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let mut threads = vec![self.mover(instance, random, &dying)];
        for written in &self.written {
            let (written, ended) = (written.clone(), ended.clone());
            let mut random = Random(random.number());
            threads.push(spawn(move || written.work(&mut random, &ended)));
        }
        let (document, told) = (self.document.clone(), ended.clone());
        threads.push(spawn(move || document.work(&told)));
        let (storage, told) = (instance.storage(), ended.clone());
        let mut own = Random(random.number());
        threads.push(spawn(move || {
            writeback::work(&storage, &mut own, &told);
            Ok(())
        }));
        let clients = self.clients.iter().enumerate();
        let employ = |(number, client)| bank::employ(number, client, socket, random.number());
        let maker = makes_tables.then(|| bank::employ_maker(socket));
        let clients = clients.map(employ).chain(maker).collect();
        Load { ended, dying, threads, clients }
    }

    /// Has a directory moved in some of the rounds: it syncs the whole filesystem, and other files are to be
    /// found unsynced as well.
    fn mover(
        &mut self,
        instance: &Instance,
        random: &mut Random,
        dying: &Arc<AtomicBool>,
    ) -> JoinHandle<io::Result<()>> {
        let is_moved = random.below(3) == 0;
        self.moves = if is_moved { random.below(3) } else { 0 };
        let count = if is_moved { 6 } else { 0 };
        let moves: Vec<_> = (0..count).map(|later| self.moved.next(instance, later)).collect();
        let (moved, dying) = (self.moved.clone(), dying.clone());
        spawn(move || {
            moved.work(moves, &dying);
            Ok(())
        })
    }

    /// Waits until each file has seen so many steps more and each client so many transactions, and all others have done
    /// something in this round.
    pub fn wait_for(&mut self, steps: usize, transactions: u64) {
        let (before, moves) = (self.standing(), std::mem::take(&mut self.moves));
        until("everybody works", SOON, || {
            let now = self.standing();
            let pairs = now.files.iter().zip(&before.files);
            let files = pairs.map(|(now, before)| now.0 >= before.0 + steps);
            let pairs = now.clients.iter().zip(&before.clients);
            let clients = pairs.map(|(now, before)| now.0 >= before.0 + transactions);
            let moved = now.moved.0 >= before.moved.0 + moves;
            moved && now.document.0 > before.document.0 && files.chain(clients).all(|done| done)
        });
    }

    /// What is known now. What is asked for between two calls is begun in the second and may not be answered
    /// in the first.
    pub fn standing(&self) -> Standing {
        Standing {
            files: self.written.iter().map(|written| written.standing()).collect(),
            document: self.document.standing(),
            moved: self.moved.standing(),
            clients: self.clients.iter().map(|client| client.standing()).collect(),
        }
    }

    /// The same, at a moment at which no file may be empty after a power cut.
    pub fn standing_with_contents(&self) -> Standing {
        let mut standing = self.standing();
        until("no file may be empty", SOON, || {
            standing = self.standing();
            let pairs = self.written.iter().zip(&standing.files);
            let mut crashes = pairs.map(|(written, (answered, begun))| {
                (written, Crash { of_power: true, answered: *answered, begun: *begun })
            });
            crashes.all(|(written, crash)| !written.may_be_empty(crash))
        });
        standing
    }

    /// The files that are written in place.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.written.iter().map(|written| written.path())
    }

    /// Tells what is wrong with the files after a crash of the service or, `of_power`, the machine; they are gone on
    /// with as they are.
    pub fn judge_files(
        &mut self,
        of_power: bool,
        before: &Standing,
        after: &Standing,
    ) -> Vec<String> {
        let mut faults = self.document.judge(before.document.0, after.document.1);
        faults.extend(self.moved.judge(before.moved.0, after.moved.1));
        let points = before.files.iter().zip(&after.files);
        for (written, ((answered, _), (_, begun))) in self.written.iter().zip(points) {
            self.steps += answered;
            faults.extend(written.judge(Crash { of_power, answered: *answered, begun: *begun }));
        }
        faults
    }

    /// Tells what is wrong with the tables.
    pub fn judge_tables(
        &self,
        server: &MariaDb,
        before: &Standing,
        after: &Standing,
    ) -> Vec<String> {
        let pairs = before.clients.iter().zip(&after.clients);
        let standing: Vec<_> = pairs.map(|(before, after)| (before.0, after.1)).collect();
        bank::judge(server, &self.clients, &standing)
    }

    /// How much was done until now.
    pub fn done(&self) -> String {
        let transactions: u64 = self.standing().clients.iter().map(|(done, _)| done).sum();
        let (steps, moves) = (self.steps, self.moved.standing().0);
        format!(
            "{transactions} transactions, {steps} steps of files, a directory encrypted or decrypted \
             {moves} times"
        )
    }
}

impl Load {
    /// Says that everything is about to die: what fails from now on fails for that.
    pub fn is_dying(&self) {
        self.dying.store(true, SeqCst);
    }

    /// Waits until everybody has ended; they must have been told that nobody serves them.
    pub fn end(mut self) {
        self.ended.store(true, SeqCst);
        for thread in std::mem::take(&mut self.threads) {
            if let Err(error) = thread.join().unwrap() {
                assert!(is_unserved(&error), "a writer was told: {error}");
            }
        }
        for (process, thread) in std::mem::take(&mut self.clients) {
            drop(process);
            thread.join().unwrap();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.ended.store(true, SeqCst);
    }
}
