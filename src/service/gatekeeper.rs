//! The gate of the mount: locations first, then the rules; denials are logged.

use super::engine::Engine;
use super::log::with_place;
use crate::access::{self, Ask, Decision};
use crate::fuse::{Access, Caller, Gate, Refusal};
use crate::keystore::{Location, State};
use crate::volume::Place;
use serde_json::json;
use std::sync::{Arc, RwLock};

/// Decides by the engine's locations and rules.
pub struct Gatekeeper(pub Arc<Engine>);

impl Gate for Gatekeeper {
    fn requests_in_hand(&self) -> &RwLock<()> {
        self.0.requests_in_hand()
    }

    fn permit(&self, caller: Caller, access: Access, places: &[Place]) -> Result<(), Refusal> {
        let locations = self.0.locations();
        let mut paths = Vec::with_capacity(places.len());
        let mut within = None;
        for place in places {
            let location = location_of(&locations, place, access)?;
            if access == Access::Link && within.is_some_and(|other| other != location) {
                return Err(Refusal::CrossLocation);
            }
            within = Some(location);
            if self.0.is_frozen(&place.path) {
                return Err(Refusal::Frozen);
            }
            // Which of its names a file with several was opened by is not told, so what may be done with
            // it must not depend on the name: it counts as its whole location.
            paths.push(if place.many_names { &*location.path } else { &*place.path });
        }
        let Some(first) = places.first() else { return Err(Refusal::Denied) };
        let moves = matches!(access, Access::Rename | Access::Link);
        let ask = Ask {
            category: &first.category,
            paths: &paths,
            below: moves || places.iter().any(|place| place.many_names),
            access: kind_of(access),
            tid: caller.tid,
            uid: caller.uid,
        };
        let policy = self.0.policy();
        match policy.decide(&ask) {
            Decision::Allow { .. } => Ok(()),
            Decision::Deny(reason) => {
                self.0.count_denial();
                let fields = json!({
                    "tid": caller.tid,
                    "uid": caller.uid,
                    "program": policy.who(caller.tid).map_or_else(
                        |unknown| unknown.to_string(),
                        |program| program.path.to_string_lossy().into_owned(),
                    ),
                    "access": format!("{access:?}").to_lowercase(),
                    "reason": reason.to_string(),
                });
                self.0.log().write_limited("denied", with_place(fields, first));
                Err(Refusal::Denied)
            }
        }
    }
}

/// Only what lies in a location may be touched, and a location's own name stays: a symlink elsewhere
/// points at it.
fn location_of<'a>(
    locations: &'a [Location],
    place: &Place,
    access: Access,
) -> Result<&'a Location, Refusal> {
    let mine = |location: &&Location| {
        location.category == *place.category && place.path.starts_with(&location.path)
    };
    let location = locations.iter().find(mine).ok_or(Refusal::Denied)?;
    if location.state != State::Encrypted {
        return Err(Refusal::Frozen);
    }
    let names_it = matches!(access, Access::Rename | Access::Link | Access::Create);
    if names_it && place.path == location.path { Err(Refusal::Fixed) } else { Ok(location) }
}

fn kind_of(access: Access) -> access::Access {
    match access {
        Access::Read => access::Access::Read,
        Access::Write => access::Access::Write,
        Access::ReadWrite => access::Access::Write,
        Access::Execute => access::Access::Execute,
        Access::Create => access::Access::Create,
        Access::Rename | Access::Link | Access::Change => access::Access::Change,
    }
}
