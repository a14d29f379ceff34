//! Who the server takes someone for, and what he may: roles, foreign authorities, addresses; and the
//! files that it reads to say anything.

use super::court::Court;
use super::finding::Why;
use crate::guard::policy::Subject;
use crate::guard::server::Effective;
use std::path::{Path, PathBuf};

/// Variables of plugins that name the server, or the key, by which they know someone.
const AUTHORITIES: [&str; 7] = [
    "authentication_ldap_",
    "authentication_kerberos_",
    "authentication_openid_connect_",
    "authentication_oci_",
    "authentication_webauthn_",
    "authentication_fido_",
    "gssapi_",
];
const MESSAGES: &[&str] = &["lc_messages_dir", "character_sets_dir", "language"];

pub(super) fn judge_words(court: &mut Court) {
    for said in court.said_of(MESSAGES) {
        let path = Path::new(said.text());
        // A language was once named by a word.
        let is_word = said.name == "language" && path.components().count() == 1;
        let concern = if is_word { None } else { court.roots_alone(path) };
        court.look(Subject::MessageFiles, said.name, said.text(), concern);
    }
    for said in court.said().filter(|said| AUTHORITIES.iter().any(|one| said.name.starts_with(one)))
    {
        let (subject, why) = (Subject::AuthenticationSource, Why::ForeignAuthority);
        // The others hold passwords too, which must not be shown.
        if said.name.ends_with("_server_host") {
            court.look(subject, said.name, said.text(), Some(why));
        } else if court.required(subject).is_empty() {
            court.object(subject, said.name, None, why);
        }
    }
    for said in court.said_of(&["mandatory_roles"]) {
        let concern = (!said.text().is_empty()).then_some(Why::GivesPrivileges);
        court.look(Subject::MandatoryRoles, said.name, said.text(), concern);
    }
}

pub(super) fn judge_values(court: &mut Court, values: &Effective) {
    for name in ["ssl_ca", "ssl_capath"] {
        let Some(value) = values.value(name).filter(|value| !value.is_empty()) else { continue };
        let base = PathBuf::from(values.value("datadir").unwrap_or_default());
        let path = base.join(value);
        let concern = match court.resolve(&path) {
            Ok(resolved) if court.is_encrypted(&resolved) => None,
            _ => Some(Why::ForeignAuthority),
        };
        court.look(Subject::SslCa, name, path.as_os_str(), concern);
    }
    let networks = values.value("proxy_protocol_networks").unwrap_or_default();
    let concern = (!networks.is_empty()).then_some(Why::StatedAddress);
    court.look(Subject::ProxyProtocol, "proxy_protocol_networks", networks, concern);
    super::words::judge_values(court, values);
}
