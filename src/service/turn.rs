//! Work of which there is one at a time, and what it is about, for whoever has to wait.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Whose turn it is.
#[derive(Default)]
pub struct Turns {
    held: Mutex<()>,
    about: Mutex<Option<String>>,
}

/// A turn; it ends when this is dropped.
pub struct Turn<'t> {
    turns: &'t Turns,
    _held: MutexGuard<'t, ()>,
}

impl Turns {
    /// Takes the turn for work `about` something; `after_panic` is called when the last one ended by a panic.
    ///
    /// # Errors
    /// What the work is about whose turn it is; none while it begins or ends.
    pub fn take(
        &self,
        about: String,
        after_panic: impl FnOnce(),
    ) -> Result<Turn<'_>, Option<String>> {
        let held = match self.held.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(panicked)) => {
                after_panic();
                self.held.clear_poison();
                panicked.into_inner()
            }
            Err(TryLockError::WouldBlock) => return Err(self.about().clone()),
        };
        *self.about() = Some(about);
        Ok(Turn { turns: self, _held: held })
    }

    fn about(&self) -> MutexGuard<'_, Option<String>> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Before the turn ends, and with it the next one begins.
        *self.turns.about() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_second_hears_what_the_first_is_about() {
        let turns = Turns::default();
        let first = turns.take("encrypting /a".into(), || panic!("no panic")).ok();
        let second = turns.take("decrypting /b".into(), || panic!("no panic"));
        assert_eq!(second.err(), Some(Some("encrypting /a".into())));
        drop(first);
        let panicking = || {
            let _turn = turns.take("decrypting /b".into(), || panic!("no panic"));
            panic!("a fault");
        };
        std::thread::scope(|scope| assert!(scope.spawn(panicking).join().is_err()));
        let mut panicked = false;
        assert!(turns.take("repairing /c".into(), || panicked = true).is_ok());
        assert!(panicked);
        assert!(turns.take("repairing /c".into(), || panic!("no panic")).is_ok());
    }
}
