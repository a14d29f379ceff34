//! What a policy speaks about.
//!
//! Knows the subjects and their names. It must not know how an option is judged.

use super::policy::Treatment;
use super::policy_rows::rows;

/// A thing of a server's run that the policy decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Accounts and privileges are in force.
    Authentication,
    /// SQL that runs before anyone logs in.
    InitFile,
    /// SQL that a replica's threads run.
    InitSlave,
    /// SQL that runs for everyone who logs in.
    InitConnect,
    /// SQL from standard input, or a new data directory.
    Bootstrap,
    /// Libraries that are loaded.
    Plugins,
    /// Libraries that serve data to whoever connects.
    UnauthenticatedPlugins,
    /// Where libraries are loaded from.
    PluginDir,
    /// Where the installation is.
    Basedir,
    /// Message and character set files.
    MessageFiles,
    /// Libraries that the loader puts into every program.
    Preload,
    /// Another root directory.
    Chroot,
    /// A Galera cluster, and what it runs.
    Wsrep,
    /// Which Galera cluster.
    WsrepClusterAddress,
    /// A MySQL group.
    GroupReplication,
    /// An NDB cluster.
    Ndb,
    /// A replication filter that writes into system schemas.
    RewriteDb,
    /// Roles that everyone has.
    MandatoryRoles,
    /// A foreign authority that says who someone is.
    AuthenticationSource,
    /// Authorities for certificates that clients show.
    SslCa,
    /// Clients that may state another address than theirs.
    ProxyProtocol,
    /// The data directory.
    Datadir,
    /// Schemas that are symlinks out of the data directory.
    SchemaLinks,
    /// State that the server takes in, by option.
    State(&'static str),
    /// A place where plaintext is written, by option.
    Leak(&'static str),
    /// Core files.
    CoreFile,
    /// Secrets in the process list.
    SecretsInArguments,
    /// Variables that MySQL reads from the data directory after all others.
    Persisted,
    /// An option that is free unless a value is required, by option.
    Setting(&'static str),
}

impl Subject {
    /// The subject of that name.
    pub fn named(name: &str) -> Option<Self> {
        rows().find(|row| row.name == name).map(|row| row.subject)
    }

    /// Its name, as a setting says it.
    pub fn name(self) -> &'static str {
        rows().find(|row| row.subject == self).map_or("", |row| row.name)
    }

    /// How it is treated when the policy says nothing.
    pub(super) fn usual(self) -> &'static Treatment {
        rows().find(|row| row.subject == self).map_or(&Treatment::Forbid, |row| &row.usual)
    }
}
