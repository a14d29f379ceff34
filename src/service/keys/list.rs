//! Listing keyslots and categories.

use crate::crypto::rsa::PublicKey;
use crate::format::keystore::{Slot, SlotKind};
use crate::keystore::{Keystore, SlotRecord};
use crate::service::engine::Engine;
use crate::service::hex;
use crate::service::protocol::{Answer, CategoryRow, Failure, SlotRow};
use sha2::{Digest, Sha256};

/// Lists what opens the keystore and the keys in it; shows none of them.
///
/// # Errors
/// Not running when the keys have been wiped already.
pub fn list(engine: &Engine) -> Result<Answer, Failure> {
    engine.with_keystore(|keystore| {
        Ok(Answer::Keys { slots: slot_rows(keystore), categories: category_rows(keystore) })
    })
}

/// Kind of the keyslot that the keystore was opened by.
pub fn opened_by(engine: &Engine) -> String {
    let kind = engine.with_keystore(|keystore| {
        let opened = keystore.opened_by();
        Ok(keystore.slots().find(|(slot, _)| slot.id() == opened).map(|(slot, _)| kind_name(slot)))
    });
    kind.ok().flatten().unwrap_or_default()
}

/// The keyslots as they are listed.
pub fn slot_rows(keystore: &Keystore) -> Vec<SlotRow> {
    let row = |(index, (slot, record))| slot_row(index + 1, slot, record);
    keystore.slots().enumerate().map(row).collect()
}

fn slot_row(number: usize, slot: &Slot, record: Option<&SlotRecord>) -> SlotRow {
    let spki = match slot {
        Slot::Rsa(slot) => Some(slot.spki()),
        _ => None,
    };
    let public = spki.and_then(|spki| PublicKey::from_spki(spki).ok());
    SlotRow {
        number,
        id: slot.id().0,
        kind: kind_name(slot),
        name: record.map_or(String::new(), |record| record.name.clone()),
        administrator: slot.is_administrator(),
        added: record.map(|record| record.added),
        rsa_bits: public.map(|key| key.bits()),
        rsa_sha256: spki.map(|spki| hex(&Sha256::digest(spki))),
    }
}

/// The word for a slot's kind.
pub(super) fn kind_name(slot: &Slot) -> String {
    match slot {
        Slot::Stretched(slot) => slot.kind.word().into(),
        Slot::Rsa(_) => SlotKind::Rsa.word().into(),
        Slot::Unknown { kind, .. } => format!("type {kind}"),
    }
}

fn category_rows(keystore: &Keystore) -> Vec<CategoryRow> {
    let categories = keystore.categories().iter();
    let row = |(name, keys): (&String, &std::sync::Arc<crate::crypto::CategoryKeys>)| CategoryRow {
        category: format!("@{name}"),
        id: hex(&keys.id.0),
        epochs: keys.epochs().map(|(epoch, _)| epoch).collect(),
        current: keys.current_epoch(),
    };
    categories.map(row).collect()
}
