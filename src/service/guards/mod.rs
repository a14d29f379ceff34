//! Guards, seen from the service: who is one, what it is told, and which runs of a server it approved.
//!
//! Here, and not in the guard, it is decided who may execute an encrypted server and which server may
//! open data. What a policy's settings mean is the guard's business and not known here.
//!
//! - who: [`registry`]; what they are told: [`briefing`], [`permits`], over [`socket`].
//! - the gate: [`admission`], by [`runs`].
//! - commands: `requests`, `install`. After a start: `reload`.

pub mod admission;
pub mod briefing;
mod install;
pub mod own;
pub mod permits;
pub mod registry;
pub mod reload;
pub mod requests;
pub mod runs;
pub mod socket;
mod turns;
pub mod wire;

use crate::access::Fingerprint;
use crate::keystore::Location;
use permits::Permits;
use registry::Registry;
use runs::Runs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// What an engine knows of guards.
pub struct State {
    registry: RwLock<Arc<Registry>>,
    /// Declarations and approvals.
    pub runs: Runs,
    /// Permits in force.
    pub permits: Permits,
    /// This very program.
    own: OnceLock<Fingerprint>,
    /// Servers that are waited for.
    pub reloads: reload::Reloads,
}

impl State {
    /// No guards yet, for an instance with this mount point.
    pub fn new(mount: PathBuf) -> Self {
        let none = Registry::new(Vec::new(), &[], Arc::<Vec<Location>>::default(), mount);
        Self {
            registry: RwLock::new(Arc::new(none)),
            runs: Runs::default(),
            permits: Permits::default(),
            own: OnceLock::new(),
            reloads: reload::Reloads::default(),
        }
    }

    /// The guards, as of now.
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts other guards in force.
    pub fn set_registry(&self, registry: Arc<Registry>) {
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = registry;
    }
}
