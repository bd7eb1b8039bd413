// How another thread comes by a reader: the engine's thread hands out a source, any thread makes snapshots from it.
//
//   engine's thread   engine.readerSource ──▶ source ─┬─▶ thread 1   source.makeSnapshot() ─▶ get, cursors ─▶ let go
//                     engine.apply(…), checkpoint(), … └─▶ thread 2   source.makeSnapshot() ─▶ …
//
// Invariants
// 1. A source exists only for an engine that declares `offersConcurrentReaders`; it allows nothing but making snapshots.
// 2. A snapshot, its cursors and what they lend are used by one thread at a time, and let go before the engine closes.

import Primitives

/// The right to make snapshots of one engine, on any thread.
///
///     guard let source = engine.readerSource else { … the engine has one reader, its own thread … }
///     Threads.run(4) { number in
///       do throws(EngineError) {
///         let view = try source.makeSnapshot()          // what was applied before this call
///         _ = try view.get(key.span.bytes) { value in … }
///       } catch { … }
///     }
public struct ReaderSource: Sendable {
  private let engine: HandedOver<any Engine>

  /// A source of readers of `engine`; nil when it does not offer them.
  public init?(_ engine: any Engine) {
    guard engine.limits.offersConcurrentReaders else { return nil }
    self.engine = HandedOver(engine)
  }

  /// A stable view of what has been applied: see `Engine.makeSnapshot` and invariant 7 of the engine contract.
  ///
  /// Cost: short; it may wait for the end of a transaction that is open, never for other readers.
  /// - Throws: `.storage(.closed)` once the engine is closed.
  public func makeSnapshot() throws(EngineError) -> any ReadView { try engine.value.makeSnapshot() }
}

extension Engine {
  /// Where other threads get readers of this engine from; nil when it declares none.
  public var readerSource: ReaderSource? { ReaderSource(self) }
}
