// One pass over a trace: for each phase what the ledger of the live run counted, and what any number of time models
// charge for it. No engine, no device, no bytes.
//
//   trace ─▶ TransferBooks (the channel's own) ─▶ ledger at each mark ─┬─ difference ─▶ TraceStretch
//         └▶ TimeClock, one a model ───────────▶ charge at each mark ──┘
//
// Invariants
// 1. A phase's ledger and charges are those of a live run under the same model, to the last bit: the same code sees the
//    same transfers in the same order, and differences are taken at the same points.
// 2. Σ stretches = the whole trace.

import Accounting
import Primitives

/// How many transfers were in flight together.
public struct BatchSizes: Equatable, Sendable {
  /// Batches.
  public var batchCount: UInt64 = 0
  /// Their transfers.
  public var transferCount: UInt64 = 0
  /// Transfers of the largest batch.
  public var largestTransferCount: UInt64 = 0
  /// `buckets[k]`: batches of 2^k … 2^(k+1) − 1 transfers.
  public var buckets: [UInt64] = []

  /// No batches.
  public init() {}

  /// Adds a batch of `count` transfers, at least one.
  @inline(__always) mutating func add(_ count: Int) {
    batchCount += 1
    transferCount += UInt64(count)
    largestTransferCount = max(largestTransferCount, UInt64(count))
    let bucket = UInt64.bitWidth - 1 - UInt64(count).leadingZeroBitCount
    while buckets.count <= bucket { buckets.append(0) }
    buckets[bucket] += 1
  }

  mutating func add(_ other: BatchSizes) {
    batchCount += other.batchCount
    transferCount += other.transferCount
    largestTransferCount = max(largestTransferCount, other.largestTransferCount)
    for (bucket, count) in other.buckets.enumerated() {
      if buckets.count <= bucket { buckets.append(0) }
      buckets[bucket] += count
    }
  }

  /// Transfers per batch, nil without batches.
  public var meanTransferCount: Double? {
    batchCount == 0 ? nil : Double(transferCount) / Double(batchCount)
  }
}

/// A stretch of a trace.
public struct TraceStretch: Equatable, Sendable {
  /// The phase's name; nil for what belongs to no phase.
  public var phase: String?
  /// What moved.
  public var ledger: IOLedger
  /// What was in flight together.
  public var batches: BatchSizes
  /// What each model charges, in the order in which the models were given.
  public var charges: [TimeCharge]
}

/// The stretches of a trace and their sum.
public struct TraceAudit: Equatable, Sendable {
  /// The phases in their order; a phase that ended and began again under its name is two.
  public var phases: [TraceStretch] = []
  /// Everything before, between and after the phases, added up; nil when nothing moved there.
  public var outside: TraceStretch?
  /// The whole trace.
  public var whole: TraceStretch

  /// Reads all that is left of a trace.
  ///
  /// Cost: about 50 ns a transfer, and 15 ns a transfer for each model.
  /// - Throws: `.corrupted` with the offset where the trace is bad.
  public init(_ reader: inout TraceReader, models: [TimeModel] = []) throws(StorageError) {
    var builder = TraceAuditBuilder(models)
    var batch = TransferBatch()
    while let step = try reader.next(into: &batch) {
      switch step {
      case .batch: builder.enter(batch)
      case .control(let operation): builder.books.enter(operation)
      case .unmoved(let request): builder.books.enter(request)
      case .mark(.phaseBegins(let name)): builder.close(next: name)
      case .mark(.acknowledged): break
      case .mark(.phaseEnds): builder.close(next: nil)
      }
    }
    builder.close(next: nil)
    phases = builder.phases
    if let gaps = builder.gaps, !gaps.ledger.rows.isEmpty { outside = gaps }
    whole = TraceStretch(
      phase: nil, ledger: builder.books.ledger, batches: builder.allBatches,
      charges: builder.clocks.map(\.charge))
  }
}

/// Where an audit stands: the books since the trace began, and the state at the beginning of the stretch.
private struct TraceAuditBuilder {
  var books = TransferBooks()
  var clocks: ContiguousArray<TimeClock>
  var phases: [TraceStretch] = []
  var gaps: TraceStretch?
  var allBatches = BatchSizes()
  private var batches = BatchSizes()
  private var phase: String?
  private var ledgerBefore = IOLedger()
  private var chargesBefore: [TimeCharge]

  init(_ models: [TimeModel]) {
    clocks = ContiguousArray(models.map { TimeClock(model: $0) })
    chargesBefore = clocks.map(\.charge)
  }

  mutating func enter(_ batch: borrowing TransferBatch) {
    books.enter(batch)
    batches.add(batch.transfers.count)
    for index in clocks.indices { clocks[index].charge(batch: batch) }
  }

  /// Ends the stretch; `next` is the phase of the one that begins.
  mutating func close(next: String?) {
    let stretch = TraceStretch(
      phase: phase, ledger: books.ledger.subtracting(ledgerBefore), batches: batches,
      charges: zip(clocks, chargesBefore).map { $0.charge.subtracting($1) })
    allBatches.add(batches)
    batches = BatchSizes()
    ledgerBefore = books.ledger
    chargesBefore = clocks.map(\.charge)
    if phase != nil {
      phases.append(stretch)
    } else if var sum = gaps {
      sum.ledger.merge(stretch.ledger)
      sum.batches.add(stretch.batches)
      for index in sum.charges.indices { sum.charges[index].add(stretch.charges[index]) }
      gaps = sum
    } else {
      gaps = stretch
    }
    phase = next
  }
}
