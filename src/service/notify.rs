//! Telling the service manager how it goes (sd_notify(3)); without one, nothing is told.

use sd_notify::NotifyState;
use std::time::Duration;

/// The service answers requests.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// The service is about to end.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("ending")]);
}

/// How much longer than an attempt's limit it may take until the attempt is given up: a program is killed.
const GIVING_UP: Duration = Duration::from_secs(10);

/// How long the start may take once there is a secret: to open the keystore, to finish what was interrupted
/// and to mount.
const OPENING: Duration = Duration::from_secs(90);

/// The start waits for a secret, for as long as this at most before it is told again.
pub fn waiting(at_most: Duration) {
    extend(at_most + GIVING_UP, "waiting for the unattended secret");
}

/// The start has got its secret.
pub fn opening() {
    extend(OPENING, "opening the keystore");
}

/// Has the manager wait so long from now, should its own limit be over earlier.
fn extend(more: Duration, status: &str) {
    let micros = u32::try_from(more.as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::ExtendTimeoutUsec(micros), NotifyState::Status(status)]);
}

/// A sign of life is given.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often the manager wants a sign of life at least, when it wants any from this process.
pub fn watchdog_period() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn tell(states: &[NotifyState<'_>]) {
    // A manager that does not listen is its own business.
    let _ = sd_notify::notify(states);
}
