// A node that a reader holds from one search to the next, because every search begins there: a root. Using it again writes no
// memory that other threads read, where a lease of each search's own would move the line of its slot between processors twice.
//
//   search   use(id) ─yes─▶ read          keep ─▶ [ lease │ id │ latest mark ] ─▶ letGo: the mark goes to the slot
//               └──no──▶ hold ─▶ keep
//
// Invariants
// 1. What is used is what a lookup would find at that moment: the slot's state and address are read again each time, so a node
//    that was removed, or given other memory, is noticed.
// 2. Each use counts as a hit and leaves the mark that a lookup would have left; only the slot learns of it later, when the
//    node is let go. A kept node is pinned, so nobody asks for its mark before.

import Synchronization

/// At most one node, kept for one reader. Used by one thread at a time; ends before the cache.
public struct KeptNode: ~Copyable {
  private let place: UnsafeMutablePointer<NodeLease>
  private var id: UInt64?
  private var mark: UInt64 = 0

  /// Keeps nothing yet.
  public init() { place = .allocate(capacity: 1) }

  deinit {
    if id != nil { Self.end(place, mark) }
    place.deallocate()
  }

  /// Whether the node `id` is kept and still is what a lookup finds. Then this is a use of it.
  @inline(__always) public mutating func use(_ id: UInt64, _ reader: borrowing CacheReader) -> Bool {
    guard self.id == id else { return false }
    let state = place.pointee.slot.pointee.state.load(ordering: .acquiring)
    let version = state >> SlotState.versionShift
    if state & SlotState.present == 0 || version != UInt64(place.pointee.version) { return false }
    let address = place.pointee.slot.pointee.address.load(ordering: .acquiring)
    // A present node has an address.
    place.pointee.start = UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
    mark = reader.tick(reader.cache.shardIndex(NodeCache.hash(id)))
    return true
  }

  /// Keeps a node, which was just looked up, instead of what was kept before.
  public mutating func keep(_ lease: consuming NodeLease) {
    letGo()
    id = lease.id
    mark = lease.slot.pointee.lastUse.load(ordering: .relaxed)
    place.initialize(to: lease)
  }

  /// Lets go of what is kept, if anything is.
  public mutating func letGo() {
    if id == nil { return }
    id = nil
    Self.end(place, mark)
  }

  private static func end(_ place: UnsafeMutablePointer<NodeLease>, _ mark: UInt64) {
    let slot = place.pointee.slot
    if slot.pointee.lastUse.load(ordering: .relaxed) < mark {
      slot.pointee.lastUse.store(mark, ordering: .relaxed)
    }
    place.deinitialize(count: 1)
  }

  /// The kept node's lease, valid until another is kept or this one is let go. Something must be kept.
  @inline(__always) public var lease: UnsafeMutablePointer<NodeLease> { place }
}
