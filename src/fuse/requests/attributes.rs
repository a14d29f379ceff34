//! Attributes of nodes, and of the whole.

use super::super::Access;
use super::super::bridge::{About, Bridge, Served, reply_attributes};
use super::super::convert::timestamp;
use super::super::transport::Request;
use super::super::wire::abi::{SetAttrIn, StatfsOut, set};
use crate::volume::{Changes, HandleId, SetTime};

impl Served {
    pub(super) fn attributes(&self, request: Request<'_>) {
        let node = request.node();
        let answer = self.answer(About::Node(node), || self.checked(self.volume.attributes(node)));
        reply_attributes(request.reply, answer);
    }

    pub(super) fn change(&self, request: Request<'_>) {
        let node = request.node();
        let wanted = match request.body().arguments::<SetAttrIn>() {
            Ok(wanted) => wanted,
            Err(errno) => return request.reply.error(errno),
        };
        let has = |field| wanted.valid & field != 0;
        let changes = Changes {
            mode: has(set::MODE).then_some(wanted.mode),
            uid: has(set::UID).then_some(wanted.uid),
            gid: has(set::GID).then_some(wanted.gid),
            size: has(set::SIZE).then_some(wanted.size),
            atime: has(set::ATIME).then(|| match has(set::ATIME_NOW) {
                true => SetTime::Now,
                false => SetTime::To(timestamp(wanted.atime, wanted.atime_nsec)),
            }),
            mtime: has(set::MTIME).then(|| match has(set::MTIME_NOW) {
                true => SetTime::Now,
                false => SetTime::To(timestamp(wanted.mtime, wanted.mtime_nsec)),
            }),
        };
        let held = has(set::HANDLE).then_some(HandleId(wanted.handle));
        let apply = move |bridge: &Bridge| {
            if wanted.valid & set::KILL_SUIDGID != 0 {
                bridge.checked(bridge.volume.drop_set_ids(node))?;
            }
            bridge.checked(bridge.volume.change(node, held, &changes))
        };
        // Whoever holds a handle was asked when it was opened.
        if held.is_some() && !has(set::MODE | set::UID | set::GID) {
            let change = || apply(self);
            return reply_attributes(request.reply, self.answer(About::Node(node), change));
        }
        self.decided(request, About::Node(node), reply_attributes, move |bridge, asker| {
            bridge.ask_node(asker, Access::Change, node)?;
            apply(bridge)
        });
    }

    pub(super) fn space(&self, request: Request<'_>) {
        let space = self.answer(About::Tree, || self.checked(self.volume.space()));
        request.reply.answer(space.map(|space| StatfsOut {
            blocks: space.f_blocks,
            free: space.f_bfree,
            available: space.f_bavail,
            files: space.f_files,
            files_free: space.f_ffree,
            block_size: space.f_bsize as u32,
            name_max: space.f_namemax as u32,
            fragment_size: space.f_frsize as u32,
            ..StatfsOut::default()
        }));
    }
}
