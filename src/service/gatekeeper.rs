//! The gate of the mount: locations first, then the rules; denials are logged.

use super::audit::with_place;
use super::engine::Engine;
use super::guards::admission::{self, Refused};
use super::guards::wire::Statement;
use crate::access::{self, Ask, Grant};
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
        let grant = self.weigh(caller, access, places)?;
        admission::check(&self.0, &grant, access, caller.tid).map_err(|refused| match refused {
            Refused::OnlyAsked => Refusal::Denied,
            _ => self.deny(caller, name_of(access), places.first(), refused.to_string()),
        })
    }

    fn declare(
        &self,
        caller: Caller,
        place: &Place,
        statement: &[u8; Statement::LEN],
    ) -> Result<(), Refusal> {
        let grant = self.weigh(caller, Access::Execute, std::slice::from_ref(place))?;
        let statement = Statement::decode(statement);
        admission::declare(&self.0, &grant, caller, place, &statement).map_err(|refused| {
            self.deny(caller, "declare".into(), Some(place), refused.to_string())
        })
    }
}

impl Gatekeeper {
    /// Locations, then rules.
    fn weigh(&self, caller: Caller, access: Access, places: &[Place]) -> Result<Grant, Refusal> {
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
        self.0
            .policy()
            .grant(&ask)
            .map_err(|reason| self.deny(caller, name_of(access), Some(first), reason.to_string()))
    }

    /// Counts and logs a denial.
    fn deny(
        &self,
        caller: Caller,
        access: String,
        place: Option<&Place>,
        reason: String,
    ) -> Refusal {
        self.0.count_denial();
        let program = self.0.policy().who(caller.tid).map_or_else(
            |unknown| unknown.to_string(),
            |program| program.path.to_string_lossy().into_owned(),
        );
        let fields = json!({
            "tid": caller.tid,
            "uid": caller.uid,
            "program": program,
            "access": access,
            "reason": reason,
        });
        let fields = match place {
            Some(place) => with_place(fields, place),
            None => fields,
        };
        self.0.log().write_limited("denied", fields);
        Refusal::Denied
    }
}

fn name_of(access: Access) -> String {
    format!("{access:?}").to_lowercase()
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
        Access::ReadWrite => access::Access::ReadWrite,
        Access::Execute => access::Access::Execute,
        Access::Create => access::Access::Create,
        Access::Rename | Access::Link | Access::Change => access::Access::Change,
    }
}
