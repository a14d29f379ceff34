//! Enforcing or permissive. Permissive mode lets through what the rules would deny, and has it
//! logged; it always ends by itself, and a new service enforces.

use super::client;
use super::engine::Engine;
use super::protocol::{Answer, Failure, FailureKind};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longest time in permissive mode, in seconds.
pub const LONGEST: u64 = 86_400;

/// Waiting does not count the time that the machine is suspended, so the clock is looked at so often.
const LOOK: Duration = Duration::from_secs(1);

/// The mode of one service.
pub struct Mode {
    /// What the deadline is told by.
    clock: Clock,
    /// When permissive mode ends, in milliseconds of the clock; 0 while enforcing.
    until: AtomicU64,
    /// Held while the mode changes, so that its events are written in their order.
    changing: Mutex<()>,
    changed: Condvar,
}

/// Tells milliseconds.
type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Milliseconds since the machine was started, those that it was suspended among them: a clock that
/// nobody sets.
fn since_boot() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    part(now.tv_sec).saturating_mul(1000).saturating_add(part(now.tv_nsec) / 1_000_000)
}

impl Default for Mode {
    fn default() -> Self {
        Self::by(Box::new(since_boot))
    }
}

impl Mode {
    fn by(clock: Clock) -> Self {
        let (until, changing, changed) = (AtomicU64::new(0), Mutex::new(()), Condvar::new());
        Self { clock, until, changing, changed }
    }

    /// Whether what the rules would deny is let through now.
    pub fn is_permissive(&self) -> bool {
        self.left().is_some()
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        if self.is_permissive() { "permissive" } else { "enforcing" }
    }

    /// How long permissive mode still lasts.
    pub fn left(&self) -> Option<Duration> {
        let left = self.until.load(SeqCst).saturating_sub((self.clock)());
        (left > 0).then(|| Duration::from_millis(left))
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets through for so long from now on; `write` logs it.
    fn permit(&self, lasting: Duration, write: impl FnOnce()) {
        let _turn = self.change();
        write();
        let lasting = u64::try_from(lasting.as_millis()).unwrap_or(u64::MAX);
        self.until.store((self.clock)().saturating_add(lasting), SeqCst);
        self.changed.notify_all();
    }

    /// Enforces from now on; `write` logs it, when it was permissive.
    fn enforce(&self, write: impl FnOnce()) {
        let _turn = self.change();
        if self.until.swap(0, SeqCst) != 0 {
            write();
        }
        self.changed.notify_all();
    }

    /// Waits until permissive mode is over by itself, logs that, and so on for ever.
    fn watch(&self, write: impl Fn()) {
        let mut turn = self.change();
        loop {
            turn = match (self.until.load(SeqCst), self.left()) {
                (0, _) => self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner),
                (_, Some(left)) => {
                    let waited = self.changed.wait_timeout(turn, left.min(LOOK));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                (_, None) => {
                    self.until.store(0, SeqCst);
                    write();
                    turn
                }
            };
        }
    }
}

/// Sets the mode: permissive for so many seconds, or enforcing.
///
/// # Errors
/// Usage for a time out of bounds; not running without a service.
pub fn set(engine: &Engine, seconds: Option<u64>) -> Result<Answer, Failure> {
    if engine.live().is_none() {
        return Err(client::not_running(engine.paths()));
    }
    match seconds {
        Some(seconds) if !(1..=LONGEST).contains(&seconds) => {
            let message = format!("permissive mode lasts 1 to {LONGEST} seconds, not {seconds}");
            return Err(Failure::new(FailureKind::Usage, message));
        }
        Some(seconds) => engine.mode().permit(Duration::from_secs(seconds), || {
            let fields = json!({ "mode": "permissive", "why": "asked", "seconds": seconds });
            engine.log().write("mode", fields);
        }),
        None => engine.mode().enforce(|| enforcing(engine, "asked")),
    }
    Ok(Answer::Status(Box::new(engine.status())))
}

/// Logs the end of permissive mode when it comes, from a thread of its own.
///
/// # Errors
/// When there can be no thread.
pub fn watch(engine: Arc<Engine>) -> io::Result<()> {
    let watch = move || engine.mode().watch(|| enforcing(&engine, "its time is over"));
    std::thread::Builder::new().name("mode".into()).spawn(watch).map(drop)
}

/// Ends permissive mode with the service.
pub fn end(engine: &Engine) {
    engine.mode().enforce(|| enforcing(engine, "the service ends"));
}

fn enforcing(engine: &Engine, why: &str) {
    engine.log().write("mode", json!({ "mode": "enforcing", "why": why }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;
    use std::time::Instant;

    /// A mode, and its clock, which stands still.
    fn at_a_time() -> (Mode, Arc<AtomicU64>) {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let told = clock.clone();
        (Mode::by(Box::new(move || told.load(SeqCst))), clock)
    }

    #[test]
    fn permissive_mode_ends_by_itself_and_says_so_once() {
        let (mode, clock) = at_a_time();
        let (mode, ends) = (Arc::new(mode), Arc::new(AtomicU32::new(0)));
        assert!(!mode.is_permissive());
        let (watched, counted) = (mode.clone(), ends.clone());
        std::thread::spawn(move || {
            watched.watch(|| {
                counted.fetch_add(1, SeqCst);
            });
        });
        mode.permit(Duration::from_secs(3600), || {});
        assert_eq!(mode.left(), Some(Duration::from_secs(3600)));
        // A second time replaces the first.
        mode.permit(Duration::from_secs(60), || {});
        clock.fetch_add(59_999, SeqCst);
        assert_eq!((ends.load(SeqCst), mode.name()), (0, "permissive"));
        clock.fetch_add(1, SeqCst);
        let deadline = Instant::now() + Duration::from_secs(20);
        while ends.load(SeqCst) == 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!((ends.load(SeqCst), mode.name()), (1, "enforcing"));
        mode.enforce(|| panic!("it was enforcing already"));
    }

    #[test]
    fn the_deadline_decides_and_not_who_watches() {
        let (mode, clock) = at_a_time();
        mode.permit(Duration::from_millis(20), || {});
        clock.fetch_add(19, SeqCst);
        assert!(mode.is_permissive());
        clock.fetch_add(1, SeqCst);
        assert!(!mode.is_permissive());
        let mut told = false;
        mode.enforce(|| told = true);
        assert!(told, "the end of permissive mode was not told");
    }

    #[test]
    fn the_clock_counts_from_the_start_of_the_machine() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        assert!(u128::from(since_boot()) + 10 >= (seconds * 1000.0) as u128);
    }
}
