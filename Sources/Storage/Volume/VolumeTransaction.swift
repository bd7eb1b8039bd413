// A transaction of a volume: allocations, frees and a root that become visible together or not at all.
//
// Invariants
// 1. A transaction that is neither committed nor rolled back rolls back when it is dropped.
// 2. Rolling back returns every allocation, forgets every free, root, directory change and log truncation. Bytes that
//    the engine wrote into blocks, new or in place, are the engine's to undo: they are not the volume's.

import Primitives

/// One atomic change of a volume. Made by `Volume.beginTransaction`.
public struct VolumeTransaction: ~Copyable {
  private let volume: Volume
  private let serial: UInt64

  init(volume: Volume, serial: UInt64) {
    self.volume = volume
    self.serial = serial
  }

  deinit { volume.rollback(serial) }

  /// Takes an extent of at least `byteCount` bytes, rounded up to the transfer unit.
  ///
  /// - Parameter near: a device offset; the first free extent from there on is taken if one is long enough and
  ///   this does not needlessly lengthen the used part of the device.
  /// - Throws: `.noSpace`, and nothing changed; `.poisoned`, `.closed`.
  /// Cost: O(log free extents), no I/O.
  public mutating func allocate(byteCount: Int, near: UInt64? = nil) throws(StorageError) -> Extent {
    try volume.allocate(byteCount: byteCount, near: near)
  }

  /// Gives an extent, or an aligned part of one, back. When it becomes free is the volume's affair (`Volume`,
  /// invariants 2 to 4); its bytes stay until then.
  ///
  /// Precondition: it is allocated, and not freed in this transaction.
  public mutating func free(_ extent: Extent) { volume.free(extent) }

  /// Sets the engine root, at most 256 bytes.
  public mutating func setRoot(_ bytes: UnsafeRawBufferPointer) {
    precondition(
      bytes.count <= Volume.rootCapacityByteCount,
      "An engine root has at most \(Volume.rootCapacityByteCount) bytes, not \(bytes.count).")
    volume.transactionRoot = Array(bytes)
  }

  /// Sets the engine root, at most 256 bytes.
  public mutating func setRoot(_ bytes: [UInt8]) { bytes.withUnsafeBytes { setRoot($0) } }

  /// Forgets the records of a log before `position`; whole segments before it are freed by the next durable commit.
  ///
  /// Precondition: the log is open, and `position` is one that `append` or `replay` gave, or the log's tail.
  public mutating func truncateLog(_ log: VolumeLog, upTo position: UInt64) {
    precondition(
      position >= log.startPosition && position <= log.tailPosition,
      "A log is truncated between its start and its tail.")
    volume.transactionTruncations[log.number] = position
  }

  /// Gives a node an id that stays when the node moves.
  ///
  /// - Parameter birth: the number of the write that puts it there (`BlockWrite.birth`), kept beside its place; 0 for none.
  /// - Throws: `.outOfBudget` when the directory's account cannot grow.
  public mutating func makeNode(at extent: Extent, birth: UInt16 = 0) throws(StorageError) -> NodeID {
    let range = volume.units(extent)
    let word = PackedExtent.pack(start: UInt64(range.lowerBound), count: UInt64(range.count))
    return .mapped(try volume.directory.insert(word, birth: birth, budget: volume.budget))
  }

  /// Moves a node. The old extent is not freed by this.
  ///
  /// Precondition: the id is mapped and in the directory.
  public mutating func moveNode(_ id: NodeID, to extent: Extent, birth: UInt16 = 0) {
    let range = volume.units(extent)
    precondition(id.isMapped, "Only a mapped node can move under its id.")
    volume.directory.update(
      id.number, PackedExtent.pack(start: UInt64(range.lowerBound), count: UInt64(range.count)),
      birth: birth)
  }

  /// Forgets a node's id, to be given out again. The extent is not freed by this.
  ///
  /// Precondition: the id is mapped and in the directory.
  public mutating func removeNode(_ id: NodeID) {
    precondition(id.isMapped, "Only a mapped node has an id to forget.")
    volume.directory.update(id.number, 0, birth: 0)
  }

  /// Makes the transaction visible, and with `durable` everything visible durable.
  ///
  /// A durable commit that throws `.noSpace` or `.outOfBudget` found no room for the volume's own blocks: the
  /// transaction is visible and not durable, nothing is lost, and a later durable commit may succeed. One that throws
  /// a device's error leaves the volume poisoned: reopening gives this commit or the last durable one. A durable
  /// commit that changes nothing writes nothing.
  ///
  /// Cost: no I/O when not durable; otherwise one batch, a sync, a superblock, a sync.
  public consuming func commit(durable: Bool) throws(StorageError) {
    try volume.check()
    volume.commitInMemory()
    if durable, volume.hasUndurableChanges { try volume.publish(.everything, checkpoint: false) }
  }

  /// Undoes the transaction.
  public consuming func rollback() { volume.rollback(serial) }
}
