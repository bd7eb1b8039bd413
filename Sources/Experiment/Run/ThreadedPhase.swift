// A phase done by several threads: its reads dealt among readers, or readers beside its writes.
//
//   threads: n         stream ──blocks of 256──▶ thread 1 … n, each a snapshot, a checker, tallies of its own
//   reader_threads: n  run's thread: every operation, as without readers; thread 1 … n: gets on fresh snapshots meanwhile
//
// Invariants
// 1. Every operation of the phase is done once, and each reader beside writes does exactly its number of gets, so counts of
//    operations and of checked answers are the same each time.
// 2. What a thread counted is a value of its own; values are added in the order of the threads when all have ended.
// 3. The first thread that fails ends all others after their block, and its error is the run's.

import CSystem
import KeyValue
import Primitives
import Results
import Storage
import Synchronization
import Workload

/// The operations of a phase, taken by whoever is idle.
private final class OperationSource: Sendable {
  private let stream: Lock<OperationStream>
  static let blockOperationCount = 256

  init(_ stream: consuming OperationStream) { self.stream = Lock(stream) }

  /// Replaces `block` by the next operations; it is empty at the end.
  ///
  /// - Returns: the ordinal of the first.
  func take(into block: inout ContiguousArray<Operation>) -> UInt64 {
    block.removeAll(keepingCapacity: true)
    return stream.withLock { stream in
      let ordinal = stream.ordinal
      var operation = Operation()
      while block.count < Self.blockOperationCount, stream.next(&operation) { block.append(operation) }
      return ordinal
    }
  }

  var finished: OperationStream { stream.withLock { $0 } }
}

/// What one thread counted.
private struct ThreadResult {
  var checker: AnswerChecker
  var latency: LatencySampler
  var tallies: ContiguousArray<ReadTally>
  var operationCount: UInt64
}

/// What threads leave for each other.
private final class ThreadBoard: Sendable {
  let hasFailed = Atomic<Bool>(false)
  private let failure = Lock<(any Error)?>(nil)
  private let results: Lock<[ThreadResult?]>
  private let isInterrupted: HandedOver<() -> Bool>

  init(threadCount: Int, _ observer: RunObserver) {
    results = Lock(Array(repeating: nil, count: threadCount))
    isInterrupted = HandedOver(observer.isInterrupted)
  }

  func fail(_ error: any Error) {
    failure.withLock { if $0 == nil { $0 = error } }
    hasFailed.store(true, ordering: .releasing)
  }

  func finish(_ work: borrowing ReadWork, operationCount: UInt64, thread: Int) {
    let result = ThreadResult(
      checker: work.checker, latency: work.latency, tallies: work.tallies, operationCount: operationCount)
    results.withLock { $0[thread] = result }
  }

  /// The results in the order of the threads.
  ///
  /// - Throws: the first failure.
  func collected() throws -> [ThreadResult] {
    if let error = failure.withLock({ $0 }) { throw error }
    return results.withLock { $0.compactMap { $0 } }
  }

  /// Whether a thread is to end early.
  var isOver: Bool { hasFailed.load(ordering: .acquiring) || isInterrupted.value() }
}

extension RunExecutor {
  /// Runs a phase that asks for threads, and writes its rows.
  ///
  /// - Throws: what the engine throws, `WrongAnswer`, `RunInterrupted`.
  func runThreads(
    _ request: ThreadRequest, _ phase: PhaseSpec, _ data: DataPhase, _ stream: consuming OperationStream,
    _ ordinal: Int, _ workload: WorkloadSpec, _ state: RunState
  ) throws -> (AnswerChecker, StreamPosition, UInt64) {
    guard let source = state.engine.readerSource else {
      throw EngineError.unsupported(
        what: "phase '\(phase.name)' with several threads",
        reason: "the engine is read by one thread at a time")
    }
    state.device.trace?.beginPhase(phase.name)
    let start = MeterReading(state.device)
    var row = baseRow(phase, ordinal, state.engine)
    row.phaseKind = data.kind
    row.cacheTemperature = temperature
    let checkedBefore = state.checker.checkedAnswerCount
    let done: ThreadedOutcome
    if request.threadCount > 1 {
      done = try dealReads(request.threadCount, source, data, stream, workload, state)
    } else {
      done = try writeBesideReaders(request, source, data, stream, ordinal, workload, state)
    }
    if observer.isInterrupted() { throw RunInterrupted() }
    if let wrong = done.checker.firstWrongAnswer { throw wrong }
    state.device.trace?.acknowledge()
    if done.logicalWriteByteCount > 0 { try state.engine.checkpoint() }
    let end = MeterReading(state.device)
    state.device.trace?.endPhase()
    tick(phase.name, done.operationCount, done.operationCount)
    row.operations = done.operationCount
    row.logicalWriteBytes = done.logicalWriteByteCount
    row.streamHash = done.streamHash
    if workload.checksAnswers { row.answersChecked = done.checker.checkedAnswerCount - checkedBefore }
    row.liveLogicalBytes = done.checker.state.liveLogicalByteCount
    outcome.latency += done.latency.rows(runID: spec.id, phase: phase.name)
    try finishRow(row, phase, start, end, isCounted: state.engine.limits.countsTransfers)
    return (done.checker, done.position, done.commitCount)
  }

  private struct ThreadedOutcome {
    var checker: AnswerChecker
    var latency = LatencySampler()
    var position: StreamPosition
    var commitCount: UInt64
    var operationCount: UInt64 = 0
    var logicalWriteByteCount: UInt64 = 0
    var streamHash: String

    mutating func add(_ results: [ThreadResult]) {
      for result in results {
        checker.addCounts(of: result.checker)
        latency.add(result.latency)
        operationCount += result.operationCount
      }
    }
  }

  /// Deals the phase's reads among threads.
  private func dealReads(
    _ threadCount: Int, _ source: ReaderSource, _ data: DataPhase, _ stream: consuming OperationStream,
    _ workload: WorkloadSpec, _ state: RunState
  ) throws -> ThreadedOutcome {
    var checker = state.checker
    let expected = checker.forThread(scans: data.contains(.scan))
    let operations = OperationSource(stream)
    let board = ThreadBoard(threadCount: threadCount, observer)
    Threads.run(threadCount) { thread in
      do {
        var work = ReadWork(
          view: try source.makeSnapshot(), workload: workload, scanOrder: data.scanOrder,
          checks: workload.checksAnswers, checker: expected)
        var block: ContiguousArray<Operation> = []
        var count: UInt64 = 0
        while !board.isOver {
          let first = operations.take(into: &block)
          if block.isEmpty { break }
          for (index, operation) in block.enumerated() {
            _ = try work.perform(operation, ordinal: first + UInt64(index))
          }
          count += UInt64(block.count)
          if let wrong = work.checker.firstWrongAnswer { throw wrong }
        }
        board.finish(work, operationCount: count, thread: thread)
      } catch {
        board.fail(error)
      }
    }
    let finished = operations.finished
    var done = ThreadedOutcome(
      checker: checker, position: finished.position, commitCount: state.commitCount,
      streamHash: finished.hash.description)
    done.add(try board.collected())
    return done
  }

  /// Does the phase's operations on one thread while others read.
  private func writeBesideReaders(
    _ request: ThreadRequest, _ source: ReaderSource, _ data: DataPhase, _ stream: consuming OperationStream,
    _ ordinal: Int, _ workload: WorkloadSpec, _ state: RunState
  ) throws -> ThreadedOutcome {
    var checker = state.checker
    let expected = checker.forThread(scans: false)
    let position = state.position
    let board = ThreadBoard(threadCount: request.readerThreadCount, observer)
    let writer = Lock<(checker: AnswerChecker, position: StreamPosition, commitCount: UInt64)?>(nil)
    let writerCounts = Lock<(operations: UInt64, bytes: UInt64, hash: String, latency: LatencySampler)?>(nil)
    let shared = HandedOver((engine: state.engine, device: state.device, commit: spec.commit))
    let operations = Lock(stream)
    let commitCount = state.commitCount
    Threads.run(1 + request.readerThreadCount) { thread in
      do {
        if thread > 0 {
          try Self.readBeside(
            request, source, workload, expected, position, ordinal, board, thread - 1)
          return
        }
        var loop = PhaseLoop(
          engine: shared.value.engine, device: shared.value.device, workload: workload, phase: data,
          stream: operations.withLock { $0 }, checker: expected, commit: shared.value.commit,
          commitCount: commitCount)
        try loop.run { _ in if board.isOver { throw RunInterrupted() } }
        let counts = (
          loop.operationCount, loop.logicalWriteByteCount, loop.stream.hash.description, loop.latency
        )
        writerCounts.withLock { $0 = counts }
        let finished = loop.finish()
        writer.withLock { $0 = finished }
      } catch {
        board.fail(error)
      }
    }
    let results = try board.collected()
    guard let (after, end, commits) = writer.withLock({ $0 }), let counts = writerCounts.withLock({ $0 })
    else { throw RunInterrupted() }
    var written = after
    written.addCounts(of: checker)
    checker = written
    var done = ThreadedOutcome(
      checker: checker, latency: counts.latency, position: end, commitCount: commits,
      operationCount: counts.operations, logicalWriteByteCount: counts.bytes, streamHash: counts.hash)
    done.add(results)
    return done
  }

  /// One reader beside the writer: its number of gets, a fresh snapshot every hundred.
  private static func readBeside(
    _ request: ThreadRequest, _ source: ReaderSource, _ workload: WorkloadSpec, _ expected: AnswerChecker,
    _ position: StreamPosition, _ ordinal: Int, _ board: ThreadBoard, _ thread: Int
  ) throws {
    // "READ": a stream apart from those of the workload.
    let streamNumber = 0x5245_4144_0000_0000 + UInt64(ordinal) << 8 + UInt64(thread)
    let random = CounterRandom(seed: workload.seed, stream: streamNumber)
    var work = ReadWork(
      view: try source.makeSnapshot(), workload: workload, scanOrder: .forward,
      checks: workload.checksAnswers, checker: expected, firstNewVersion: position.nextVersion)
    var operation = Operation()
    operation.kind = .getHit
    var count: UInt64 = 0
    while count < request.readerOperationCount, !board.isOver {
      if count > 0, count % 100 == 0 { work.view = try source.makeSnapshot() }
      operation.keyIndex = random.draw(count).multipliedFullWidth(by: position.nextKeyIndex).high
      _ = try work.perform(operation, ordinal: count)
      if let wrong = work.checker.firstWrongAnswer { throw wrong }
      count += 1
    }
    board.finish(work, operationCount: count, thread: thread)
  }

  /// A row without what depends on how threads fell together.
  func totalsOnly(_ row: RunRow, _ phase: PhaseSpec, _ ordinal: Int) -> RunRow {
    var kept = baseRow(phase, ordinal, nil)
    kept.status = row.status
    kept.reason = row.reason
    kept.phaseKind = row.phaseKind
    kept.durabilityClass = row.durabilityClass
    kept.operations = row.operations
    kept.logicalWriteBytes = row.logicalWriteBytes
    kept.streamHash = row.streamHash
    kept.answersChecked = row.answersChecked
    kept.liveLogicalBytes = row.liveLogicalBytes
    kept.cacheTemperature = row.cacheTemperature
    return kept
  }
}
