// Copying a leaf in a place that is near: a leaf that has to be copied before it is changed is copied to one page of memory that
// stays in the processor's cache, changed there, given its checksum there, and stored where it belongs when the writer goes on.
//
//   old page ──copy──▶ stage ──insert, insert …──▶ stage ──checksum──▶ stage ──past the caches──▶ the new page's frame
//   far away           always near                                                               far away, never read
//
// Without the stage a page of a large tree crosses the memory four times: fetched to be copied, fetched again because half of
// a line is written first, written, and at the checkpoint fetched for its checksum. With it, it is fetched once and written once.
//
// Invariants
// 1. At most one page is on the stage: the last of the writer's path, a leaf that the open transaction gave birth to. Nobody
//    else knows its id, and its lease keeps it from being written or evicted.
// 2. It leaves the stage when it leaves the path, however it does. From then on its frame has its bytes and its head is sealed.
// 3. Whoever changes a page later claims it first, which takes the seal from its tag: a page that is written as sealed was not
//    changed since (`NodeStore.claim`).

import CSystem
import Primitives
import Storage

extension NodeStore {
  /// Stores a page from the stage where it belongs, sealed for its place; one that is there already is sealed there.
  ///
  /// Precondition: the open transaction gave birth to it. One that is older would keep its seal when a failure takes its
  /// changes back.
  func settle(_ page: NodePage, _ lease: borrowing NodeLease) {
    let level = cache.tag(of: lease) & 0xFF
    volume.seal(
      UnsafeMutableRawBufferPointer(start: page.base, count: page.byteCount), at: extent(lease.id).offset,
      type: Self.pageType, payloadByteCount: page.byteCount - VolumeBlock.headerByteCount,
      level: .number(Int(level)), birth: PageID.birth(lease.id))
    if lease.pointer != page.base { betula_copy_past_caches(lease.pointer, page.base, page.byteCount) }
    cache.setTag(of: lease, level | Self.sealedTag)
  }

  /// A held page is about to be changed: its checksum will be another one.
  @inline(__always) func unseal(_ lease: borrowing NodeLease) {
    let tag = cache.tag(of: lease)
    if tag & Self.sealedTag != 0 { cache.setTag(of: lease, tag & ~Self.sealedTag) }
  }
}
