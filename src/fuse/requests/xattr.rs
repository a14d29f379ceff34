//! Extended attributes.

use super::super::Access;
use super::super::bridge::{About, Answer, Served, reply_empty};
use super::super::transport::{Reply, Request};
use super::super::wire::abi::{GetXattrIn, GetXattrOut, SetXattrIn};
use super::super::wire::name;
use rustix::io::Errno;

impl Served {
    pub(super) fn xattr(&self, request: Request<'_>) {
        let node = request.node();
        let wanted = request.body().split::<GetXattrIn>();
        let value = wanted.and_then(|(wanted, rest)| {
            let (name, _) = name(rest)?;
            let read = || self.checked(self.volume.xattr(node, name));
            Ok((wanted.size, self.answer(About::Node(node), read)?))
        });
        reply_value(request.reply, value);
    }

    pub(super) fn xattr_names(&self, request: Request<'_>) {
        let node = request.node();
        let names = request.body().arguments::<GetXattrIn>().and_then(|wanted| {
            let read = || self.checked(self.volume.xattr_names(node));
            Ok((wanted.size, self.answer(About::Node(node), read)?))
        });
        reply_value(request.reply, names);
    }

    pub(super) fn set_xattr(&self, request: Request<'_>) {
        let node = request.node();
        let parts = request.body().split::<SetXattrIn>().and_then(|(wanted, rest)| {
            let (name, rest) = name(rest)?;
            let value = rest.get(..wanted.size as usize).ok_or(Errno::INVAL)?;
            Ok((wanted.flags, name.to_owned(), value.to_owned()))
        });
        let (flags, name, value) = match parts {
            Ok(parts) => parts,
            Err(errno) => return request.reply.error(errno),
        };
        self.decided(request, About::Node(node), reply_empty, move |bridge, asker| {
            bridge.ask_node(asker, Access::Change, node)?;
            bridge.checked(bridge.volume.set_xattr(node, &name, &value, flags))
        });
    }

    pub(super) fn remove_xattr(&self, request: Request<'_>) {
        let node = request.node();
        let name = match name(request.body().rest()) {
            Ok((name, _)) => name.to_owned(),
            Err(errno) => return request.reply.error(errno),
        };
        self.decided(request, About::Node(node), reply_empty, move |bridge, asker| {
            bridge.ask_node(asker, Access::Change, node)?;
            bridge.checked(bridge.volume.remove_xattr(node, &name))
        });
    }
}

/// Answers with a value, or, to whoever has no room for any, with its size.
fn reply_value(reply: Reply, value: Answer<(u32, Vec<u8>)>) {
    match value {
        Ok((0, value)) => {
            let size = u32::try_from(value.len()).unwrap_or(u32::MAX);
            reply.structure(&GetXattrOut { size, padding: 0 });
        }
        Ok((size, value)) if value.len() <= size as usize => reply.bytes(&[&value]),
        Ok(_) => reply.error(Errno::RANGE),
        Err(errno) => reply.error(errno),
    }
}
