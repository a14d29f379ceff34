//! A request that waits for a look at its caller.

use super::Sight;
use super::bridge::Answer;
use super::looking::Looking;
use crate::access::Caller;
use rustix::io::Errno;
use std::sync::Arc;

/// Looks at one caller for one request, of whom the rules change meanwhile.
const LOOKS: u32 = 3;

/// What it takes to go on after a look.
pub(super) struct Pending<R, T, A> {
    pub looking: Arc<Looking>,
    pub caller: Caller,
    /// Carries the request out by what was seen; nothing when that does not suffice.
    pub attempt: A,
    pub reply: R,
    pub respond: fn(R, Answer<T>),
}

impl<R, T, A> Pending<R, T, A>
where
    R: Send + 'static,
    T: 'static,
    A: Fn(Sight) -> Option<Answer<T>> + Send + 'static,
{
    /// Replies after a look, or after a few, each of which has the time limit.
    pub fn look(self) {
        self.look_at_most(LOOKS);
    }

    fn look_at_most(self, looks: u32) {
        let looking = self.looking.clone();
        looking.look(self.caller, Box::new(move |sight| self.go_on(sight, looks - 1)));
    }

    fn go_on(self, sight: Sight, looks: u32) {
        match (self.attempt)(sight) {
            Some(answer) => (self.respond)(self.reply, answer),
            None if looks == 0 => (self.respond)(self.reply, Err(Errno::ACCESS)),
            None => self.look_at_most(looks),
        }
    }
}

#[cfg(test)]
#[path = "pending_tests.rs"]
mod tests;
