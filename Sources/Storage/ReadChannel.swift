// A reader's own way to the device, beside the channel that it was made from: what it moves is entered in books of its own.
//
//   writer's thread   IOChannel ────books────┐
//   reader's thread   ReadChannel ──books────┼──▶ IOChannel.ledger = writer's + readers' in the order they were made
//   reader's thread   ReadChannel ──books────┘
//                          └──▶ device: at once when it allows concurrent reads, else one call after another (`DeviceGate`)
//
// Invariants
// 1. A read channel is used by one thread at a time, and only reads.
// 2. Its books are under a lock of their own that nobody else takes but who asks for a sum; when it ends they are added to
//    the sum of those that ended. So the sum over all books equals the device's own count whenever nothing is in flight.
// 3. Once a write has failed, readers are refused as the writer is.

import Accounting
import Primitives
import Synchronization

/// What the first failed write or sync was; shared by a channel and its readers.
final class ChannelHealth: Sendable {
  private let isPoisoned = Atomic<Bool>(false)
  private let reason = Lock<String?>(nil)

  /// The reason, nil while healthy. Cost: one load while healthy.
  @inline(__always) var poisonedBy: String? {
    isPoisoned.load(ordering: .acquiring) ? reason.withLock { $0 } : nil
  }

  /// Keeps the first reason.
  func poison(_ why: String) {
    reason.withLock { if $0 == nil { $0 = why } }
    isPoisoned.store(true, ordering: .releasing)
  }
}

/// Lets one call at a time through to a device with one clock, one head or one script.
final class DeviceGate: Sendable {
  private let turn = Lock<Void>(())

  func submit(_ batch: inout TransferBatch, to device: any BlockDevice) throws(StorageError) {
    try turn.withLock { (_) throws(StorageError) in try device.submit(&batch) }
  }

  func control(_ operation: ControlOperation, on device: any BlockDevice) throws(StorageError) {
    try turn.withLock { (_) throws(StorageError) in try device.control(operation) }
  }
}

/// What one reader moved.
final class ReaderBooks: Sendable {
  let books = Lock(TransferBooks())
}

/// The books of a channel's readers.
final class ReaderRegistry: Sendable {
  struct State {
    var living: [ReaderBooks] = []
    /// Ended readers' books that the channel has not taken over.
    var ended: [TransferBooks] = []
  }

  /// Whether there is anything to look at.
  private let hasReaders = Atomic<Bool>(false)
  private let state = Lock(State())

  @inline(__always) var isEmpty: Bool { !hasReaders.load(ordering: .acquiring) }

  func register(_ books: ReaderBooks) {
    state.withLock { state in
      state.living.append(books)
      hasReaders.store(true, ordering: .releasing)
    }
  }

  func end(_ books: ReaderBooks) {
    state.withLock { state in
      guard let index = state.living.firstIndex(where: { $0 === books }) else {
        preconditionFailure("A reader ends once.")
      }
      state.living.remove(at: index)
      state.ended.append(books.books.withLock { $0 })
    }
  }

  /// Moves what ended readers moved into `books`.
  ///
  /// - Returns: what the living moved so far, in the order they were made.
  func settle(into books: inout TransferBooks) -> [TransferBooks] {
    let (ended, living) = state.withLock { state in
      let ended = state.ended
      state.ended.removeAll()
      if state.living.isEmpty { hasReaders.store(false, ordering: .releasing) }
      return (ended, state.living.map { $0.books.withLock { $0 } })
    }
    for other in ended { books.merge(other) }
    return living
  }
}

/// One reader's way to the device. Used by one thread at a time; made by any.
public final class ReadChannel: @unchecked Sendable {
  // Sendable: it moves between threads with its owner, a snapshot; what it shares is locked or atomic.

  let device: any BlockDevice
  let gate: DeviceGate?
  let health: ChannelHealth
  private let registry: ReaderRegistry
  private let books = ReaderBooks()
  let coalesces: Bool
  let maximumTransferByteCount: Int

  init(
    device: any BlockDevice, gate: DeviceGate?, health: ChannelHealth, registry: ReaderRegistry,
    coalesces: Bool, maximumTransferByteCount: Int
  ) {
    self.device = device
    self.gate = gate
    self.health = health
    self.registry = registry
    self.coalesces = coalesces
    self.maximumTransferByteCount = maximumTransferByteCount
    registry.register(books)
  }

  deinit { registry.end(books) }

  /// Everything this reader moved so far.
  public var ledger: IOLedger { books.books.withLock { $0.ledger } }

  /// Sums over causes and levels.
  public var totals: TransferTotals { books.books.withLock { $0.totals } }

  /// Seals and performs a batch that only reads, and enters it in the books.
  ///
  /// - Throws: what the device throws, or `.poisoned`. A batch that threw is not in the books.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    if let reason = health.poisonedBy { throw .poisoned(by: reason) }
    if batch.isEmpty { return }
    batch.seal(coalesces: coalesces, maximumTransferByteCount: maximumTransferByteCount)
    precondition(!batch.containsWrites, "A reader does not write.")
    if let gate { try gate.submit(&batch, to: device) } else { try device.submit(&batch) }
    enter(&batch)
  }

  /// Enters a batch that the device performed.
  func enter(_ batch: inout TransferBatch) {
    batch.classifyReads()
    books.books.withLock { $0.enter(batch) }
  }
}

extension TransferBooks {
  /// Adds what other books hold; where streams ended stays each book's own affair.
  mutating func merge(_ other: TransferBooks) {
    ledger.merge(other.ledger)
    mergeTotals(other.totals)
  }
}
