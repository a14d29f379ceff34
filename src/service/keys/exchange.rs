//! A category's keys on their way to another machine, and from one.

use super::now;
use crate::format::keystore::SlotKind;
use crate::keystore::bundle::{self, SealedBundle};
use crate::keystore::{self, Imported};
use crate::service::engine::Engine;
use crate::service::hex;
use crate::service::protocol::{Answer, Failure, FailureKind, NewSlot, Secret};
use serde_json::json;

/// Seals the keys of a category for whoever `to` names.
///
/// # Errors
/// Failed when there is no such category; usage for a kind of secret that no bundle has.
pub fn export(engine: &Engine, category: &str, to: &NewSlot) -> Result<Answer, Failure> {
    if !matches!(to.kind(), SlotKind::Passphrase | SlotKind::Rsa) {
        let message = "a bundle opens by a passphrase and salt, or an RSA key";
        return Err(Failure::new(FailureKind::Usage, message));
    }
    let bytes = engine.with_keystore(|keystore| {
        let name = keystore::category::parse(category).map_err(keystore::Error::from)?;
        let keys =
            keystore.category(name).ok_or_else(|| keystore::Error::NoCategory(name.to_owned()))?;
        Ok(bundle::seal(name, keys, (keystore.id(), now()), to)?)
    })?;
    engine.log().write("key_exported", json!({ "category": format!("@{category}") }));
    Ok(Answer::Bundle(bytes))
}

/// Takes the keys in a bundle over, under the name that they had or another.
///
/// # Errors
/// Wrong secret, damaged, or a category that contradicts; nothing was changed then.
pub fn import(
    engine: &Engine,
    bundle: &[u8],
    secret: &Secret,
    name: Option<&str>,
) -> Result<Answer, Failure> {
    let opened = SealedBundle::decode(bundle.to_vec())?.open(secret)?;
    let name = name.unwrap_or(&opened.category).to_owned();
    let (id, from) = (hex(&opened.keys.id.0), hex(&opened.keystore));
    let imported = engine.with_keystore(|keystore| {
        Ok(keystore.update(|d| d.import_category(&name, opened.keys))?)
    })?;
    engine.refresh()?;
    let added = match imported {
        Imported::Category => None,
        Imported::Keys(count) => Some(count),
    };
    let category = format!("@{name}");
    let fields = json!({ "category": category, "id": id, "from_keystore": from, "added": added });
    engine.log().write("key_imported", fields);
    Ok(Answer::Imported { category, added })
}
