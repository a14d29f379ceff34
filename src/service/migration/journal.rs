//! The journal of encrypting and decrypting: locations in the keystore, sealed and authenticated like
//! everything in it.

use crate::crypto::CategoryKeys;
use crate::keystore::{self, Location, LocationId, State};
use crate::migrate::{self, Id, Journal, Phase, Record};
use crate::service::engine::Engine;
use serde_json::json;
use std::sync::Arc;

/// Locations as records of what is done to them.
pub(super) struct KeystoreJournal<'a> {
    pub engine: &'a Engine,
    pub keys: Arc<CategoryKeys>,
    /// Of a location that begins.
    pub confirmed: bool,
}

impl KeystoreJournal<'_> {
    fn update(
        &self,
        change: impl FnOnce(&mut keystore::Draft) -> keystore::Result<()>,
    ) -> migrate::Result<()> {
        self.engine
            .with_keystore(|keystore| Ok(keystore.update(change)?))
            .and_then(|()| self.engine.refresh())
            .map_err(|failure| migrate::Error::Journal(failure.into()))
    }
}

impl Journal for KeystoreJournal<'_> {
    fn begin(&mut self, record: &Record) -> migrate::Result<()> {
        let mut is_new = false;
        self.update(|draft| {
            is_new = draft.category(&record.category).is_none();
            if is_new {
                draft.insert_category(&record.category, self.keys.clone())?;
            }
            draft.locations.push(location_of(record, self.confirmed));
            Ok(())
        })?;
        if is_new {
            let fields = json!({ "category": format!("@{}", record.category) });
            self.engine.log().write("category_added", fields);
        }
        Ok(())
    }

    fn advance(&mut self, id: Id, phase: Phase) -> migrate::Result<()> {
        self.update(|draft| {
            for location in draft.locations.iter_mut().filter(|l| l.id.0 == id.0) {
                location.state = state_of(phase);
            }
            Ok(())
        })
    }

    fn forget(&mut self, id: Id) -> migrate::Result<()> {
        self.update(|draft| {
            draft.locations.retain(|location| location.id.0 != id.0);
            Ok(())
        })
    }
}

pub(super) fn record_of(location: &Location) -> Record {
    let phase = match location.state {
        State::Encrypting => Phase::Encrypting,
        State::Encrypted => Phase::Encrypted,
        State::Decrypting => Phase::Decrypting,
    };
    let kind = match location.kind {
        keystore::Kind::File => migrate::Kind::File,
        keystore::Kind::Directory => migrate::Kind::Directory,
    };
    let (category, path) = (location.category.clone(), location.path.clone());
    Record { id: Id(location.id.0), category, path, kind, phase }
}

fn location_of(record: &Record, confirmed: bool) -> Location {
    let kind = match record.kind {
        migrate::Kind::File => keystore::Kind::File,
        migrate::Kind::Directory => keystore::Kind::Directory,
    };
    let (category, path) = (record.category.clone(), record.path.clone());
    let state = state_of(record.phase);
    Location { id: LocationId(record.id.0), category, path, kind, state, confirmed }
}

fn state_of(phase: Phase) -> State {
    match phase {
        Phase::Encrypting => State::Encrypting,
        Phase::Encrypted => State::Encrypted,
        Phase::Decrypting => State::Decrypting,
    }
}
