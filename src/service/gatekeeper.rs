//! The gate of the mount: locations first, then the rules; what is new is logged.

use super::audit::with_place;
use super::engine::Engine;
use super::explain;
use super::guards::admission::{self, Refused};
use super::guards::wire::Statement;
use super::protocol::WhoRow;
use crate::access::{self, Ask, Caller, Grant, Looked, Reason, suggest};
use crate::fuse::{Access, Gate, Refusal, Sight};
use crate::keystore::{Location, State};
use crate::volume::Place;
use serde_json::{Value, json};
use std::sync::{Arc, RwLock};

/// Decides by the engine's locations and rules.
pub struct Gatekeeper(pub Arc<Engine>);

impl Gate for Gatekeeper {
    fn requests_in_hand(&self) -> &RwLock<()> {
        self.0.requests_in_hand()
    }

    fn recall(&self, caller: Caller) -> Option<Arc<Looked>> {
        self.0.policy().recall(caller)
    }

    fn look(&self, caller: Caller) -> Sight {
        self.0.policy().look(caller).map_or_else(Sight::Unknown, Sight::Fresh)
    }

    fn permit(
        &self,
        caller: Caller,
        sight: &Sight,
        access: Access,
        places: &[Place],
    ) -> Result<(), Refusal> {
        let request = Request { caller, access: name_of(access), place: places.first() };
        let Some((grant, looked)) = self.weigh(&request, sight, access, places)? else {
            return Ok(());
        };
        let checked = admission::check(&self.0, (&grant, looked), access, caller.tid);
        match checked {
            Ok(()) => self.tell_allowed(&request, &grant, looked),
            Err(Refused::OnlyAsked) => return Err(Refusal::Denied),
            Err(refused) => return Err(self.deny(&request, Some(looked), refused.to_string())),
        }
        Ok(())
    }

    fn declare(
        &self,
        caller: Caller,
        sight: &Sight,
        place: &Place,
        statement: &[u8; Statement::LEN],
    ) -> Result<(), Refusal> {
        let request = Request { caller, access: "declare".into(), place: Some(place) };
        let places = std::slice::from_ref(place);
        let weighed = self.weigh(&request, sight, Access::Execute, places)?;
        let Some((grant, looked)) = weighed else { return Ok(()) };
        let statement = Statement::decode(statement);
        admission::declare(&self.0, (&grant, looked), caller, place, &statement)
            .map_err(|refused| self.deny(&request, Some(looked), refused.to_string()))
    }
}

/// What is asked, for the log.
struct Request<'a> {
    caller: Caller,
    access: String,
    place: Option<&'a Place>,
}

impl Gatekeeper {
    /// Locations, then rules. None where only permissive mode lets the request through.
    fn weigh<'a>(
        &self,
        request: &Request<'_>,
        sight: &'a Sight,
        access: Access,
        places: &[Place],
    ) -> Result<Option<(Grant, &'a Looked)>, Refusal> {
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
        };
        let looked = match sight {
            Sight::Recalled(looked) | Sight::Fresh(looked) => looked,
            Sight::Unknown(reason) => return self.deny_by_rules(request, None, reason, &ask),
        };
        let policy = self.0.policy();
        if !policy.is_current(looked) {
            return Err(Refusal::LookAgain);
        }
        match policy.weigh(looked, &ask) {
            Ok(grant) => Ok(Some((grant, looked))),
            Err(_) if matches!(sight, Sight::Recalled(_)) && looked.may_change() => {
                Err(Refusal::LookAgain)
            }
            Err(reason) => self.deny_by_rules(request, Some(looked), &reason, &ask),
        }
    }

    /// Denies, or in permissive mode only says that it would, and what would mend it.
    fn deny_by_rules<'a>(
        &self,
        request: &Request<'_>,
        looked: Option<&Looked>,
        reason: &Reason,
        ask: &Ask<'_>,
    ) -> Result<Option<(Grant, &'a Looked)>, Refusal> {
        let mut fields = told(request, looked);
        fields["reason"] = reason.to_string().into();
        let mend = looked.zip(request.place).and_then(|(looked, place)| {
            suggest::mend(reason, looked.who(), ask.category, &place.path, ask.access)
        });
        if let Some(mend) = mend {
            fields["mend"] = explain::for_instance(self.0.paths(), &mend).into();
        }
        if self.0.mode().is_permissive() {
            self.0.log().write_limited("would_deny", fields);
            return Ok(None);
        }
        self.0.count_denial();
        self.0.log().write_limited("denied", fields);
        Err(Refusal::Denied)
    }

    /// Logs that a rule lets a process in, once.
    fn tell_allowed(&self, request: &Request<'_>, grant: &Grant, looked: &Looked) {
        if !looked.is_news(grant.rule) {
            return;
        }
        let mut fields = told(request, Some(looked));
        fields["rule"] = (grant.rule + 1).into();
        let text = looked.rule(grant.rule).map(|rule| rule.rule.to_string());
        fields["rule_text"] = text.into();
        self.0.log().write_limited("allowed", fields);
    }

    /// Counts and logs a denial.
    fn deny(&self, request: &Request<'_>, looked: Option<&Looked>, reason: String) -> Refusal {
        self.0.count_denial();
        let mut fields = told(request, looked);
        fields["reason"] = reason.into();
        self.0.log().write_limited("denied", fields);
        Refusal::Denied
    }
}

/// Who asks for what.
fn told(request: &Request<'_>, looked: Option<&Looked>) -> Value {
    let Caller { tid, uid, gid } = request.caller;
    let who = match looked {
        Some(looked) => json!(WhoRow::from(looked.who())),
        None => json!({ "tid": tid, "user": uid, "group": gid }),
    };
    let fields = json!({ "who": who, "access": request.access });
    match request.place {
        Some(place) => with_place(fields, place),
        None => fields,
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
