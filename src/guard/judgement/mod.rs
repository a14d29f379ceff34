//! Whether a server may run with these options, as the policy has it.
//!
//! Pure: words, values and answers about files come in, a verdict goes out. It is asked twice.
//! [`before_asking`] sees only the words and decides whether the server may be asked about itself,
//! which loads plugin code; [`effective`] sees what the server answered. A run needs both. All that
//! is wrong is collected, and what cannot be seen counts as wrong. It must not know how the list
//! was made, or what is done with it.

mod cluster;
mod court;
mod finding;
mod identity;
mod init_connect;
mod leaks;
mod outputs;
mod plugins;
mod sql;
mod state;
mod words;

#[cfg(test)]
mod fixture;
#[cfg(test)]
#[path = "table_tests.rs"]
mod table_tests;
#[cfg(test)]
#[path = "judgement_tests.rs"]
mod tests;

pub use finding::{Refusal, Subjected, Warning, Why};

use super::command_line::{Item, Meaning};
use super::places::Places;
use super::policy::{Policy, Subject, Treatment};
use super::server::{Effective, Server};
use crate::service::guards::wire::Briefing;
use court::Court;
use std::ffi::OsString;

/// What a run is judged by.
#[derive(Clone, Copy)]
pub struct Grounds<'a> {
    /// The server as it was compiled.
    pub server: &'a Server,
    /// The policy, with the permit's settings over it.
    pub policy: &'a Policy,
    /// Where the data is.
    pub briefing: &'a Briefing,
    /// The files of this machine.
    pub places: &'a dyn Places,
}

/// What was decided.
#[must_use]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why the run is refused; it may go on when there is none.
    pub refusals: Vec<Refusal>,
    /// What goes on, and is said.
    pub warnings: Vec<Warning>,
    /// Options to append last, so that what was judged is what happens.
    pub closing: Vec<OsString>,
}

impl Verdict {
    /// Whether nothing was refused.
    pub fn is_clear(&self) -> bool {
        self.refusals.is_empty()
    }
}

/// Whether the list asks for a bootstrap that the policy allows: it knows no accounts yet, listens
/// nowhere, and ends with its input.
pub fn bootstraps(items: &[Item], grounds: &Grounds) -> bool {
    let asks = |item: &Item| matches!(&item.meaning, Meaning::Option { name, .. } if sql::BOOTSTRAPS.contains(&name.as_str()));
    grounds.policy.treatments(Subject::Bootstrap) == [Treatment::Allow] && items.iter().any(asks)
}

/// Judges a list by its words alone: whether the server may be asked about itself with it.
pub fn before_asking(items: &[Item], grounds: &Grounds) -> Verdict {
    let mut court = Court::new(grounds, items);
    words::judge(&mut court);
    sql::judge_words(&mut court);
    plugins::judge_words(&mut court);
    cluster::judge_words(&mut court);
    identity::judge_words(&mut court);
    court.verdict
}

/// Judges the values that the server would run with; `items` is the list that led to them.
pub fn effective(values: &Effective, items: &[Item], grounds: &Grounds) -> Verdict {
    let mut court = Court::new(grounds, items);
    sql::judge_values(&mut court, values);
    plugins::judge_values(&mut court, values);
    cluster::judge_values(&mut court, values);
    identity::judge_values(&mut court, values);
    if let Some(datadir) = state::judge_datadir(&mut court, values) {
        state::judge_links(&mut court, &datadir);
        state::judge_state(&mut court, values, &datadir);
        leaks::judge(&mut court, values, &datadir);
        outputs::judge(&mut court, values, &datadir);
    }
    court.verdict
}
