//! The gate of the mount: locations first, then the rules; denials are logged.

use super::engine::Engine;
use super::log::with_place;
use crate::access::{self, Ask, Decision};
use crate::fuse::{Access, Caller, Gate, Refusal};
use crate::keystore::{Location, State};
use crate::volume::Place;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Decides by the engine's locations and rules.
pub struct Gatekeeper(pub Arc<Engine>);

impl Gate for Gatekeeper {
    fn permit(&self, caller: Caller, access: Access, places: &[Place]) -> Result<(), Refusal> {
        let locations = self.0.locations();
        for place in places {
            inside_a_location(&locations, place, access)?;
            if self.0.is_frozen(&place.path) {
                return Err(Refusal::Frozen);
            }
        }
        let Some(first) = places.first() else { return Err(Refusal::Denied) };
        let paths: Vec<&Path> = places.iter().map(|place| place.path.as_path()).collect();
        let ask = Ask {
            category: &first.category,
            paths: &paths,
            access: kind_of(access),
            tid: caller.tid,
            uid: caller.uid,
        };
        match self.0.policy().decide(&ask) {
            Decision::Allow { .. } => Ok(()),
            Decision::Deny(reason) => {
                self.0.count_denial();
                let fields = json!({
                    "tid": caller.tid,
                    "uid": caller.uid,
                    "program": access::program_of(caller.tid),
                    "access": format!("{access:?}").to_lowercase(),
                    "reason": reason.to_string(),
                });
                self.0.log().write("denied", with_place(fields, first));
                Err(Refusal::Denied)
            }
        }
    }
}

/// Only what lies in a location may be touched, and a location's own name stays: a symlink elsewhere
/// points at it.
fn inside_a_location(
    locations: &[Location],
    place: &Place,
    access: Access,
) -> Result<(), Refusal> {
    let mine = |location: &&Location| {
        location.category == *place.category && place.path.starts_with(&location.path)
    };
    let location = locations.iter().find(mine).ok_or(Refusal::Denied)?;
    if location.state != State::Encrypted {
        return Err(Refusal::Frozen);
    }
    let names_it = matches!(access, Access::Rename | Access::Create);
    if names_it && place.path == location.path { Err(Refusal::Fixed) } else { Ok(()) }
}

fn kind_of(access: Access) -> access::Access {
    match access {
        Access::Read => access::Access::Read,
        Access::Write => access::Access::Write,
        Access::ReadWrite => access::Access::ReadWrite,
        Access::Execute => access::Access::Execute,
        Access::Create => access::Access::Create,
        Access::Rename | Access::Change => access::Access::Change,
    }
}
