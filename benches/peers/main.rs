//! ezncrypt beside the plain disk and beside its peers, in turn: A B C, A B C, so that what else the machine does
//! strikes all of them. Prints a table of medians and ratios, as Markdown and, with `--json FILE`, as JSON.
//!
//! `cargo bench --bench peers -- [--rounds N] [--seconds N] [--sides A,B] [--works A,B] [--json FILE]`, as root. It installs
//! from Debian what it measures. `EZNCRYPT_TEST_DIR` says on which filesystem, `EZNCRYPT_TRANSPORT` by which way requests go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs)]

mod database;
mod facts;
mod files;
mod fio;
mod in_place;
mod options;
mod sides;
#[path = "../../tests/support/mod.rs"]
mod support;
mod table;

use options::Options;
use sides::{Side, Sides};
use support::Instance;
use table::Table;

/// What was measured once.
pub struct Sample {
    pub metric: &'static str,
    /// In words; more of it is better.
    pub unit: &'static str,
    /// Whose: a side's, or of a program that was measured beside it.
    pub whose: &'static str,
    /// None of what failed.
    pub value: Option<f64>,
}

/// What all works need.
pub struct Ground<'a> {
    pub options: &'a Options,
    pub instance: &'a Instance,
}

/// Something that is done on each side in turn.
trait Work {
    /// What `--works` calls it.
    fn name(&self) -> &'static str;
    /// Whether it can be done there.
    fn suits(&self, side: &Side) -> bool;
    /// Does it once.
    fn run(&mut self, side: &Side, ground: &Ground<'_>) -> Vec<Sample>;
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let options = Options::of_arguments();
    support::machine::require();
    facts::install();
    let mut sides = Sides::set_up(&options);
    let mut works: Vec<Box<dyn Work>> = vec![
        Box::new(fio::Fio),
        Box::new(files::SmallFiles),
        Box::new(database::Database::default()),
        Box::new(in_place::InPlace),
    ];
    works.retain(|work| options.works.is_empty() || options.works.contains(&work.name().into()));
    let mut table = Table::default();
    for round in 1..=options.rounds {
        for work in &mut works {
            for side in &sides.all {
                if !work.suits(side) {
                    continue;
                }
                eprintln!("round {round} of {}: {} on {}", options.rounds, work.name(), side.name);
                let ground = Ground { options: &options, instance: &sides.instance };
                table.take(work.run(side, &ground));
            }
        }
        sides.all.rotate_left(1);
    }
    let facts = facts::of_machine(&sides.instance, &options);
    println!("{}", table.markdown(&facts));
    if let Some(path) = &options.json {
        std::fs::write(path, table.json(&facts)).unwrap();
    }
}
