// Operands and values that are too long for a node: in extents of their own, with a reference in the cell.
//
//   put (3 MiB)   extent is written ─▶ log ─▶ message with a reference ─ flush ─▶ … ─▶ entry with the same reference
//                                                                         replaced, deleted: the extent is released
//   append (3 B) on such an entry     value read, changed, written to a new extent; the old one is released
//
// Moving a message moves 16 bytes, whatever it says. The log has the whole operand: replaying writes a new extent.
//
// Invariants
// 1. A reference is in one cell of the newest tree; when that cell goes, its extent is released.
// 2. A released extent is freed by the next transaction; a superblock's or a snapshot's tree keeps it until then and beyond.
// 3. An extent is written before a cell refers to it, and durable with the superblock whose tree does.

import KeyValue
import Primitives
import Storage

extension NodeBlock {
  /// A value in an extent of its own.
  static let overflow = BlockType.engine(2)
}

extension NodeTable {
  /// Bytes of the extents that wait to be freed.
  var releasedByteCount: Int { released.reduce(0) { $0 + $1.byteCount } }

  /// Writes operands to extents of their own.
  ///
  /// - Throws: `.noSpace`, `.outOfBudget`, what the device throws; nothing changed.
  func storeOverflow(_ operands: [Bytes]) throws(StorageError) -> [OverflowReference] {
    if operands.isEmpty { return [] }
    var transaction = try beginTransaction()
    var references: [OverflowReference] = []
    var writes: ContiguousArray<BlockWrite> = []
    var waiting = 0
    var total = 0
    for operand in operands {
      let extent = try transaction.allocate(byteCount: VolumeBlock.headerByteCount + operand.count)
      writes.append(
        volume.overflowWrite(
          operand, to: extent, type: NodeBlock.overflow, cause: .overflow, birth: births.birth))
      references.append(
        volume.overflowReference(extent, byteCount: operand.count, birth: births.birth))
      waiting += extent.byteCount
      total += extent.byteCount
      if waiting >= geometry.nodeByteCount {
        births.advance()
        try volume.writeBlocks(writes)
        writes.removeAll(keepingCapacity: true)
        waiting = 0
      }
    }
    births.advance()
    try volume.writeBlocks(writes)
    try transaction.commit(durable: false)
    shape.overflowCount += references.count
    shape.overflowByteCount += total
    return references
  }

  /// Gives the extent of an operand back that no cell refers to any more.
  func release(_ reference: OverflowReference) {
    guard let extent = extent(ofSection: reference.id) else { return }
    released.append(extent)
    shape.overflowCount -= 1
    shape.overflowByteCount -= extent.byteCount
  }

  /// Reads an operand that lies elsewhere. What refers to it is pinned.
  func overflow(_ reference: OverflowReference, mayWrite: Bool) throws(StorageError) -> VolumeBlock {
    let extent = try volume.extent(of: reference)
    try makeRoom(extent.byteCount, mayWrite: mayWrite)
    counts.pointee.overflowReads &+= 1
    return try volume.readOverflow(reference, type: NodeBlock.overflow, cause: .overflow)
  }
}

/// The long operands of a batch, in the order of its entries.
struct LongOperands {
  private(set) var references: [OverflowReference] = []
  private var next = 0
  private let limitByteCount: Int

  /// No long operands: entries with one are not asked for.
  init(limitByteCount: Int) { self.limitByteCount = limitByteCount }

  /// Writes the operands of a batch that are too long for a node.
  ///
  /// - Throws: as `storeOverflow`.
  init(_ batch: borrowing WriteBatch, _ table: NodeTable) throws(StorageError) {
    limitByteCount = table.inlineLimitByteCount
    if batch.longest.valueByteCount <= limitByteCount { return }
    var operands: [Bytes] = []
    for entry in batch.entries where isLong(entry) { operands.append(Bytes(batch.operand(of: entry))) }
    references = try table.storeOverflow(operands)
  }

  private func isLong(_ entry: WriteBatch.Entry) -> Bool {
    entry.operandByteCount > limitByteCount && entry.kind != .deleteRange
  }

  /// The reference that stands for an entry's operand, nil when the operand is in its cell. Entries are asked for in order.
  @inline(__always) mutating func take(_ entry: WriteBatch.Entry) -> OverflowReference? {
    if references.isEmpty || !isLong(entry) { return nil }
    next += 1
    return references[next - 1]
  }

  /// Bytes of a batch's messages.
  static func messageByteCount(_ batch: borrowing WriteBatch, limitByteCount: Int) -> Int {
    var sum = LogTransactionWriter.cellByteCount(batch)
    if batch.longest.valueByteCount <= limitByteCount { return sum }
    for entry in batch.entries where entry.operandByteCount > limitByteCount && entry.kind != .deleteRange {
      sum += OverflowReference.encodedByteCount - entry.operandByteCount
    }
    return sum
  }
}

/// The 16 bytes of a reference, for as long as `body` runs.
@inline(__always) func withReferenceBytes(_ reference: OverflowReference, _ body: (Bytes) -> Void) {
  withUnsafeTemporaryAllocation(byteCount: OverflowReference.encodedByteCount, alignment: 8) { memory in
    guard let base = memory.baseAddress else { return }
    reference.encode(to: base)
    body(Bytes(base, OverflowReference.encodedByteCount))
  }
}

extension TreeWriter {
  /// Whether applying a batch to a leaf may read or write long values, and so fail: then it goes through a buffer.
  func needsBuffer(_ batch: borrowing WriteBatch) -> Bool {
    let brings = batch.longest.valueByteCount > table.inlineLimitByteCount
    for entry in batch.entries where mayTouchLongValue(entry.kind, brings) { return true }
    return false
  }

  /// The same of messages.
  func needsBuffer(_ run: borrowing CellRun) -> Bool {
    var offset = 0
    while offset < run.usedByteCount {
      let cell = UnsafeRawPointer(run.cells + offset)
      if mayTouchLongValue(Cell.kind(cell), false) { return true }
      offset += Cell.byteCount(cell)
    }
    return false
  }

  /// - Parameter brings: whether long values come with it.
  private func mayTouchLongValue(_ kind: OperationKind, _ brings: Bool) -> Bool {
    kind == .append || kind == .patch || (kind == .add && (brings || table.shape.overflowCount > 0))
  }

  /// Releases what the entries of some lines refer to.
  func releaseReferences(_ run: borrowing CellRun, _ lines: Range<Int>) {
    if table.shape.overflowCount == 0 { return }
    for line in lines {
      let cell = UnsafeRawPointer(run.cells + Int(run.index.lines[line].offset))
      if Cell.isReference(cell) { table.release(Cell.reference(cell)) }
    }
  }

  /// Applies one upsert to a leaf that is held whole and pinned, whatever has to be read for it.
  ///
  /// - Throws: what reading and writing long values throws; nothing changed.
  func upsert(_ leaf: TreeNode, _ message: UnsafeRawPointer) throws(StorageError) {
    let key = Cell.key(message)
    let index = leaf.partCount == 1 ? 0 : leaf.pivots.route(key)
    let part = leaf.parts + index
    let line = part.pointee.run.find(key)
    let position = line ?? part.pointee.run.index.bound(key, part.pointee.run.cells)
    var old: OverflowReference?
    value.makeAbsent()
    if let line {
      let cell = UnsafeRawPointer(part.pointee.run.cells + Int(part.pointee.run.index.lines[line].offset))
      if Cell.isReference(cell) {
        let reference = Cell.reference(cell)
        let block = try table.overflow(reference, mayWrite: true)
        value.assign(block.payload)
        old = reference
      } else {
        value.assign(Cell.operand(cell).buffer)
      }
    }
    if Cell.isReference(message) {
      let block = try table.overflow(Cell.reference(message), mayWrite: true)
      value.apply(Cell.kind(message), operand: block.payload, maximumValueByteCount: maximumValueByteCount)
    } else {
      value.apply(
        Cell.kind(message), operand: Cell.operand(message).buffer,
        maximumValueByteCount: maximumValueByteCount)
    }
    let result = Bytes(value.bytes)
    let replaces = line != nil
    if result.count > table.inlineLimitByteCount {
      try table.requireRoomToWrite(
        table.volume.unitCount(ofBytes: VolumeBlock.headerByteCount + result.count), and: leaf)
      let reference = try table.storeOverflow([result])[0]
      withReferenceBytes(reference) { bytes in
        part.pointee.run.setEntry(key, bytes, at: position, replaces: replaces, isReference: true)
      }
    } else {
      part.pointee.run.setEntry(key, result, at: position, replaces: replaces)
    }
    if let old { table.release(old) }
    if Cell.isReference(message) { table.release(Cell.reference(message)) }
    changed(leaf, index, after: position)
  }
}
