// Small histories of real threads: one writes batches, the others make snapshots and read them.
//
// Invariants
// 1. Beginnings and ends are drawn from one atomic counter: who ended before another began has the smaller number.
// 2. What each thread does is drawn from the seed; how the threads fall together is not.

import Primitives
import Synchronization

/// Records what threads see of an engine.
public enum HistoryRecorder {
  /// Runs `readerCount` threads beside the writer on an engine that holds nothing but what this history puts.
  ///
  /// - Parameters:
  ///   - keyCount: keys 0 ..< `keyCount`, at most 256; few keys make conflicts.
  ///   - batchCount: what the writer applies.
  ///   - readsPerReader: snapshots a reader makes, each read as a whole or by one key.
  /// Precondition: at most 64 requests in all; the engine declares concurrent readers.
  /// - Throws: the first error of any thread.
  public static func record(
    _ engine: any Engine, seed: UInt64, readerCount: Int, keyCount: Int = 4, batchCount: Int = 8,
    readsPerReader: Int = 6
  ) throws(EngineError) -> History {
    guard let source = engine.readerSource else {
      preconditionFailure("Only engines that declare concurrent readers are read by several threads.")
    }
    let clock = ClockReference()
    let writer = HandedOver(engine)
    let results = Lock<(operations: [HistoryOperation], failure: EngineError?)>(([], nil))
    Threads.run(readerCount + 1) { number in
      let random = CounterRandom(seed: seed, stream: UInt64(number))
      do throws(EngineError) {
        let made =
          number == 0
          ? try write(writer.value, clock, random, keyCount, batchCount)
          : try read(source, clock, random, keyCount, readsPerReader)
        results.withLock { $0.operations += made }
      } catch {
        let problem = error
        results.withLock { if $0.failure == nil { $0.failure = problem } }
      }
    }
    let (operations, failure) = results.withLock { $0 }
    if let failure { throw failure }
    return History(operations)
  }

  /// The clock of a history.
  private final class ClockReference: Sendable {
    private let ticks = Atomic<UInt64>(1)
    func now() -> UInt64 { ticks.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
  }

  private static func write(
    _ engine: any Engine, _ clock: ClockReference, _ random: CounterRandom, _ keyCount: Int, _ batchCount: Int
  ) throws(EngineError) -> [HistoryOperation] {
    var result: [HistoryOperation] = []
    var batch = WriteBatch()
    for number in 0..<batchCount {
      batch.removeAll()
      var entries: [HistoryOperation.Entry] = []
      for key in 0..<keyCount {
        let draw = random.draw(UInt64(number * keyCount + key)) >> 33
        if draw % 3 == 0 { continue }
        if draw % 5 == 0 {
          entries.append(.init(key, nil))
          batch.delete([UInt8(key)])
        } else {
          entries.append(.init(key, number + 1))
          batch.put([UInt8(key)], [UInt8](repeating: UInt8(number + 1), count: 9))
        }
      }
      let begin = clock.now()
      try engine.apply(batch, sync: draw(random, number) % 4 == 0)
      result.append(HistoryOperation(.apply(entries), begin: begin, end: clock.now()))
      if draw(random, number) % 3 == 0 { Threads.yield() }
    }
    return result
  }

  private static func draw(_ random: CounterRandom, _ number: Int) -> UInt64 {
    random.draw(1 << 32 | UInt64(number)) >> 40
  }

  private static func read(
    _ source: ReaderSource, _ clock: ClockReference, _ random: CounterRandom, _ keyCount: Int, _ count: Int
  ) throws(EngineError) -> [HistoryOperation] {
    var result: [HistoryOperation] = []
    for number in 0..<count {
      let begin = clock.now()
      let view = try source.makeSnapshot()
      if draw(random, number) % 2 == 0 {
        // Made now, read later: a snapshot shows its moment.
        let end = clock.now()
        Threads.yield()
        result.append(HistoryOperation(.readAll(try everything(view)), begin: begin, end: end))
      } else {
        let key = Int(draw(random, number) >> 4) % keyCount
        var value: Int?
        let bytes = [UInt8(key)]
        _ = try view.get(bytes.span.bytes) { value = Self.value($0) }
        result.append(HistoryOperation(.get(.init(key, value)), begin: begin, end: clock.now()))
      }
    }
    return result
  }

  private static func everything(_ view: any ReadView) throws(EngineError) -> [HistoryOperation.Entry] {
    var entries: [HistoryOperation.Entry] = []
    let cursor = try view.makeCursor(.all, .forward)
    while try cursor.next() {
      cursor.withCurrent { key, value in
        let number = key.withUnsafeBytes { $0.count == 1 ? Int($0[0]) : -1 }
        entries.append(.init(number, Self.value(value)))
      }
    }
    return entries
  }

  /// The number a value stands for; −1 for bytes that nobody put.
  private static func value(_ bytes: RawSpan) -> Int {
    bytes.withUnsafeBytes { bytes in
      guard bytes.count == 9, bytes.allSatisfy({ $0 == bytes[0] }) else { return -1 }
      return Int(bytes[0])
    }
  }
}
