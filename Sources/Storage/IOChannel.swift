// The channel between a volume or file space and the device: it seals (merges) batches, keeps the ledger, and
// refuses work after a failed write or sync.
//
// Invariants
// 1. Every device call of a run passes through one channel or a reader made from it, and nothing else calls the device.
// 2. Σ over causes of the ledger = the device's own count, per direction, in operations and bytes.
// 3. After a write, discard or sync failed, every later call throws `.poisoned` until the channel is made anew.

import Accounting
import Primitives

/// The one way to the device. Used by one thread at a time; other threads read through `makeReader`.
public final class IOChannel {
  /// The top of the device stack.
  public let device: any BlockDevice
  /// Where frames for the device's bytes come from; shared with a memory device, so that frames move freely.
  public let pool: FramePool
  /// Whether adjacent transfers of a batch are merged (`coalesce: off` is for measuring what merging saves).
  public let coalesces: Bool
  /// Merged transfers stay at or below this size, in bytes.
  public let maximumTransferByteCount: Int
  /// Everything this channel moved, by direction × cause × level. A value: keep a copy per phase.
  /// Readers are included: those that ended, and those that live, as of now.
  public var ledger: IOLedger {
    if readers.isEmpty { return books.ledger }
    let living = readers.settle(into: &books)
    var sum = books.ledger
    for other in living { sum.merge(other.ledger) }
    return sum
  }
  /// Sums over causes and levels, kept apart so that asking after every operation costs a few loads.
  public var totals: TransferTotals {
    if readers.isEmpty { return books.totals }
    let living = readers.settle(into: &books)
    return living.reduce(books.totals) { $0.adding($1.totals) }
  }

  /// What the first failed write or sync was, nil while healthy.
  public var poisonedBy: String? { health.poisonedBy }

  /// Where requests that do not reach the device are recorded; the others it sees itself.
  var trace: TraceWriter?

  private let health = ChannelHealth()
  private let readers = ReaderRegistry()
  /// For a device that takes one call at a time.
  let gate: DeviceGate?
  private var books = TransferBooks()
  private var singleBatch = TransferBatch()

  /// A channel to `device`.
  ///
  /// - Parameters:
  ///   - pool: where engines above take their frames; a pool of its own when nil.
  ///   - maximumTransferByteCount: bound of merged transfers, default 4 MiB.
  public init(
    device: any BlockDevice, pool: FramePool? = nil, coalesces: Bool = true,
    maximumTransferByteCount: Int = 4 << 20
  ) {
    precondition(maximumTransferByteCount > 0, "The largest transfer has at least one byte.")
    self.device = device
    gate = device.allowsConcurrentReads ? nil : DeviceGate()
    self.pool = pool ?? FramePool()
    self.coalesces = coalesces
    self.maximumTransferByteCount = maximumTransferByteCount
  }

  /// A channel to `device` that goes on where `original` stands: its ledger, its totals, and where each stream ended.
  ///
  /// Precondition: `original` is not poisoned.
  package init(branching original: IOChannel, device: any BlockDevice) {
    precondition(original.poisonedBy == nil, "A poisoned channel is not continued.")
    self.device = device
    gate = device.allowsConcurrentReads ? nil : DeviceGate()
    pool = original.pool
    coalesces = original.coalesces
    maximumTransferByteCount = original.maximumTransferByteCount
    _ = original.ledger
    books = original.books
  }

  /// A way to the device for another thread's reads; see `ReadChannel`. Any thread may ask.
  public func makeReader() -> ReadChannel {
    ReadChannel(
      device: device, gate: gate, health: health, registry: readers, coalesces: coalesces,
      maximumTransferByteCount: maximumTransferByteCount)
  }

  /// Every offset and length is a multiple of this, in bytes.
  public var transferUnitByteCount: Int { device.transferUnitByteCount }

  /// The size of the address space, in bytes.
  public var capacityByteCount: UInt64 { device.capacityByteCount }

  /// Seals and performs a batch, and enters it in the ledger.
  ///
  /// Cost: one device call, and about 10 ns per piece for the ledger.
  /// - Throws: what the device throws, or `.poisoned`. A batch that threw is not in the ledger.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    if let poisonedBy { throw .poisoned(by: poisonedBy) }
    if batch.isEmpty { return }
    batch.seal(coalesces: coalesces, maximumTransferByteCount: maximumTransferByteCount)
    do {
      if let gate { try gate.submit(&batch, to: device) } else { try device.submit(&batch) }
    } catch {
      if batch.containsWrites { health.poison(error.description) }
      throw error
    }
    enter(&batch)
  }

  /// Enters a batch that the device performed.
  func enter(_ batch: inout TransferBatch) {
    batch.classifyReads()
    books.enter(batch)
  }

  /// Reads `byteCount` bytes as a batch of one; the frame may be the device's own and is not to be changed.
  ///
  /// - Returns: the frame, and where in it the bytes begin.
  public func read(
    at offset: UInt64, byteCount: Int, cause: Cause, level: Level = .none, client: Client = .first
  ) throws(StorageError) -> (frame: Frame, offset: Int) {
    defer { singleBatch.removeAll() }
    singleBatch.append(
      .read, offset: offset, memory: .vended, byteCount: byteCount, cause: cause, level: level, client: client
    )
    try submit(&singleBatch)
    return singleBatch.frame(ofRequest: 0)
  }

  /// Writes all of a frame as a batch of one; afterwards the device may share the frame.
  public func write(
    _ frame: Frame, at offset: UInt64, cause: Cause, level: Level = .none, client: Client = .first
  ) throws(StorageError) {
    defer { singleBatch.removeAll() }
    singleBatch.append(
      .write, offset: offset, memory: .frame(frame, offset: 0), byteCount: frame.byteCount, cause: cause,
      level: level, client: client)
    try submit(&singleBatch)
  }

  /// Performs a control call and enters it in the ledger: one operation, and for a discard its bytes.
  ///
  /// - Throws: what the device throws, or `.poisoned`; a failed control call poisons the channel.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    if case .namespace(let direction, _) = operation {
      precondition(
        direction.rawValue >= Direction.create.rawValue,
        "A change of names creates, deletes, truncates or syncs a directory.")
    }
    if let poisonedBy { throw .poisoned(by: poisonedBy) }
    do {
      if let gate { try gate.control(operation, on: device) } else { try device.control(operation) }
    } catch {
      health.poison(error.description)
      throw error
    }
    books.enter(operation)
  }

  /// Enters a request that memory above the channel answered: it was asked, and moved nothing at the device.
  ///
  /// - Parameter operationCount: 1, or 0 for a later part of a request already entered.
  public func enterUnmoved(
    _ direction: Direction, byteCount: Int, cause: Cause, level: Level, operationCount: UInt64 = 1
  ) {
    let request = UnmovedRequest(
      direction: direction, cause: cause, level: level, operationCount: operationCount,
      byteCount: UInt64(byteCount))
    books.enter(request)
    trace?.record(request)
  }

  /// Declares the channel unusable, for a layer above that found its own write half done.
  public func poison(_ reason: String) {
    health.poison(reason)
  }
}

/// The ledger and what it needs to tell sequential transfers; one value, so that one access covers a batch. A channel
/// keeps it while a run goes on, a reader of traces afterwards: the same code, so the same numbers.
struct TransferBooks {
  var ledger = IOLedger()
  private(set) var totals = TransferTotals()
  private var ends = TransferEnds()

  mutating func mergeTotals(_ other: TransferTotals) { totals = totals.adding(other) }

  /// A control call: one operation, and for a discard its bytes.
  mutating func enter(_ operation: ControlOperation) {
    var count = IOCount()
    count.requestedOperationCount = 1
    count.transferredOperationCount = 1
    count.requestedByteCount = operation.byteCount
    count.transferredByteCount = operation.byteCount
    ledger.add(count, direction: operation.direction, cause: operation.cause, level: .none)
  }

  /// A request that moved nothing.
  mutating func enter(_ request: UnmovedRequest) {
    var count = IOCount()
    count.requestedOperationCount = request.operationCount
    count.requestedByteCount = request.byteCount
    ledger.add(count, direction: request.direction, cause: request.cause, level: request.level)
  }

  mutating func enter(_ batch: borrowing TransferBatch) {
    for position in batch.transfers.indices {
      let transfer = batch.transfers[position]
      // The transfer counts for the first piece that somebody asked for; rounding owns none but its own.
      var owner = transfer.pieces.lowerBound
      while batch.pieces[owner].cause == .padding && owner + 1 < transfer.pieces.upperBound { owner += 1 }
      if batch.pieces[owner].cause == .padding { owner = transfer.pieces.lowerBound }
      totals.add(transfer)
      let sequential = ends.advance(transfer, cause: batch.pieces[owner].cause)
      for index in transfer.pieces {
        let piece = batch.pieces[index]
        var count = IOCount()
        count.requestedOperationCount = UInt64(piece.requestedOperationCount)
        count.requestedByteCount = UInt64(piece.requestedByteCount)
        count.transferredByteCount = UInt64(piece.transferredByteCount)
        if index == owner {
          count.transferredOperationCount = 1
          count.deviceSequentialCount = sequential.device ? 1 : 0
          count.streamSequentialCount = sequential.stream ? 1 : 0
        }
        ledger.add(count, direction: transfer.direction, cause: piece.cause, level: piece.level)
      }
    }
  }
}

/// Where the last transfer of each direction, and of each (direction, cause), ended: what makes the next sequential.
struct TransferEnds {
  private var device: (read: UInt64, write: UInt64) = (.max, .max)
  private var streams = ContiguousArray<UInt64>(repeating: .max, count: 2 * Cause.tableCount)

  /// Takes note of a transfer; tells whether it began where the device's, or its cause's, previous one ended.
  mutating func advance(_ transfer: Transfer, cause: Cause) -> (device: Bool, stream: Bool) {
    let isRead = transfer.direction == .read
    let stream = (isRead ? 0 : Cause.tableCount) + Int(cause.rawValue)
    let result = (
      device: (isRead ? device.read : device.write) == transfer.offset,
      stream: streams[stream] == transfer.offset
    )
    if isRead { device.read = transfer.end } else { device.write = transfer.end }
    streams[stream] = transfer.end
    return result
  }
}

/// Reads and writes so far, whatever their cause.
public struct TransferTotals: Equatable, Sendable {
  /// Read transfers.
  public private(set) var readTransferCount: UInt64 = 0
  /// Their bytes.
  public private(set) var readByteCount: UInt64 = 0
  /// Write transfers.
  public private(set) var writeTransferCount: UInt64 = 0
  /// Their bytes.
  public private(set) var writeByteCount: UInt64 = 0

  /// These and another reader's.
  public func adding(_ other: TransferTotals) -> TransferTotals {
    var result = self
    result.readTransferCount += other.readTransferCount
    result.readByteCount += other.readByteCount
    result.writeTransferCount += other.writeTransferCount
    result.writeByteCount += other.writeByteCount
    return result
  }

  @inline(__always) mutating func add(_ transfer: Transfer) {
    if transfer.direction == .read {
      readTransferCount += 1
      readByteCount += UInt64(transfer.byteCount)
    } else {
      writeTransferCount += 1
      writeByteCount += UInt64(transfer.byteCount)
    }
  }
}
