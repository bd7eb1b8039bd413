// Who holds which committed state, known to every thread.
//
//   writer   beginWriting ─── changes trees ─── endWriting(published)      grants those who waited
//   reader        pinPublished ─▶ the last published state; waits while the writer may be changing it in place
//   anybody       a pin ends ─▶ noted here; the writer takes note later and frees what only the pin kept
//
// A reader need not wait when a pin already holds the published state: the writer then changes nothing of it in place. Once a
// reader had to wait, the writer holds the published state itself during its next transactions (`standingTransactionCount`,
// begun anew by each reader that profits), so that the readers that follow wait no more; it copies what it would have changed.
//
// Invariants
// 1. The lock is held for some assignments, never across I/O, waiting or the writer's work. The writer takes it at the
//    beginning and the end of a transaction and when it takes note; so no reader keeps it waiting.
// 2. Between beginWriting and endWriting no state is pinned that was not pinned before: what the writer found unseen by
//    any pin at the beginning stays unseen to the end.
// 3. Who waits is served by the writer itself at endWriting: a writer that goes on at once starves nobody.
// 4. Pins are sorted by sequence, each sequence once.

import Primitives

final class PinTable: Sendable {
  /// A state that can be pinned: its commit, and what the engine wants to know of it.
  struct Published: Sendable {
    var sequence: UInt64 = 0
    var value: (any Sendable)?
  }

  /// What happened since the writer last took note.
  struct Changes {
    var hasNewPin = false
    var hasEndedPin = false
    var verifiedChecksumCount: UInt64 = 0
    /// The oldest sequence that is held, nil when there is none.
    var oldestSequence: UInt64?
  }

  private struct Grant {
    var round: UInt64
    var published: Published
    var remainingCount: Int
  }

  private struct State {
    var pins: [(sequence: UInt64, count: Int)] = []
    var changes = Changes()
    var published = Published()
    var isWriting = false
    var round: UInt64 = 0
    var waitingCount = 0
    /// Transactions for which the writer itself still holds the published state, so that nobody waits.
    var standingCount = 0
    var isStanding = false
    var grants: [Grant] = []

    mutating func pin(_ sequence: UInt64, count: Int = 1) {
      changes.hasNewPin = true
      if let index = pins.firstIndex(where: { $0.sequence >= sequence }) {
        if pins[index].sequence == sequence {
          pins[index].count += count
        } else {
          pins.insert((sequence, count), at: index)
        }
      } else {
        pins.append((sequence, count))
      }
    }

    mutating func unpin(_ sequence: UInt64) {
      guard let index = pins.firstIndex(where: { $0.sequence == sequence }) else {
        preconditionFailure("A pin that ends was taken.")
      }
      pins[index].count -= 1
      if pins[index].count == 0 { pins.remove(at: index) }
      changes.hasEndedPin = true
    }
  }

  private let state = Lock(State())

  /// For how many transactions the writer makes it easy for readers after the last one that came while it was writing.
  private static let standingTransactionCount = 64

  /// The oldest sequence that is held, now.
  var oldestSequence: UInt64? { state.withLock { $0.pins.first?.sequence } }

  /// How many readers wait for the end of the open transaction.
  var waitingCount: Int { state.withLock { $0.waitingCount } }

  // MARK: The writer

  /// Holds a commit. The writer's thread.
  func pin(_ sequence: UInt64) { state.withLock { $0.pin(sequence) } }

  /// From now on published states may be changed where no pin sees them.
  func beginWriting() -> Changes {
    state.withLock { state in
      state.isWriting = true
      if state.standingCount > 0 {
        state.standingCount -= 1
        state.isStanding = true
        state.pin(state.published.sequence)
      }
      return Self.take(&state)
    }
  }

  /// Publishes a state, and hands it to those who waited.
  func endWriting(_ published: Published) {
    let hasWaiting = state.withLock { state in
      state.isWriting = false
      if state.isStanding {
        state.isStanding = false
        state.unpin(state.published.sequence)
      }
      state.published = published
      if state.waitingCount == 0 { return false }
      state.pin(published.sequence, count: state.waitingCount)
      state.grants.append(
        Grant(round: state.round, published: published, remainingCount: state.waitingCount))
      state.round += 1
      state.waitingCount = 0
      state.standingCount = Self.standingTransactionCount
      return true
    }
    if hasWaiting { state.wakeAll() }
  }

  /// What happened since the last time it was asked.
  func takeChanges() -> Changes { state.withLock { Self.take(&$0) } }

  private static func take(_ state: inout State) -> Changes {
    var changes = state.changes
    changes.oldestSequence = state.pins.first?.sequence
    state.changes = Changes()
    return changes
  }

  // MARK: Any thread

  /// Holds the published state.
  func pinPublished() -> Published {
    let (now, round) = state.withLock { state -> (Published?, UInt64) in
      if !state.isWriting || state.pins.last?.sequence == state.published.sequence {
        if state.isStanding { state.standingCount = Self.standingTransactionCount }
        state.pin(state.published.sequence)
        return (state.published, 0)
      }
      state.waitingCount += 1
      return (nil, state.round)
    }
    if let now { return now }
    return state.withLock(when: { $0.round > round }) { state in
      guard let index = state.grants.firstIndex(where: { $0.round == round }) else {
        preconditionFailure("Who waited for a snapshot is granted one.")
      }
      let published = state.grants[index].published
      state.grants[index].remainingCount -= 1
      if state.grants[index].remainingCount == 0 { state.grants.remove(at: index) }
      return published
    }
  }

  /// Lets a commit go.
  func end(_ sequence: UInt64) {
    state.withLock { $0.unpin(sequence) }
  }

  /// Adds what an ended reader verified.
  func note(verifiedChecksumCount: UInt64) {
    state.withLock { $0.changes.verifiedChecksumCount += verifiedChecksumCount }
  }
}

/// A state that stays readable until the pin ends; it may end on any thread.
public struct VolumePin: ~Copyable, @unchecked Sendable {
  // Sendable: the table is.
  private let table: PinTable
  /// The commit whose state is held.
  public let sequence: UInt64

  init(table: PinTable, sequence: UInt64) {
    self.table = table
    self.sequence = sequence
  }

  deinit { table.end(sequence) }
}

extension Volume {
  /// Holds the state of the last commit: nothing it can reach is reused or counted as newborn while the pin lives. The
  /// writer's thread; other threads pin what was published (`pinPublished`).
  public func pin() -> VolumePin {
    pins.pin(commitSequence)
    absorbPins()
    return VolumePin(table: pins, sequence: commitSequence)
  }

  /// Opens the time in which the writer may change what no pin sees. Until `endWriting`, other threads get a snapshot only
  /// of a state that is pinned already, or wait.
  public func beginWriting() { absorb(pins.beginWriting()) }

  /// Ends it: what is committed now, and `value` with it, is what other threads can pin.
  public func endWriting(_ value: any Sendable) {
    pins.endWriting(PinTable.Published(sequence: commitSequence, value: value))
  }

  /// Holds the last published state and gives its pin and its value to `make`. Any thread; see `beginWriting`.
  ///
  /// Precondition: a value of this type was published.
  /// Cost: a short lock; the first time, while the writer works on a state that nobody has pinned, the rest of its
  /// transaction.
  public func pinPublished<Value, Result>(
    _ type: Value.Type, _ make: (_ pin: consuming VolumePin, _ value: Value) -> Result
  ) -> Result {
    let published = pins.pinPublished()
    guard let value = published.value as? Value else {
      preconditionFailure("What is pinned was published, as a \(Value.self).")
    }
    return make(VolumePin(table: pins, sequence: published.sequence), value)
  }

  /// The commit whose state the oldest living pin holds, nil when there is none. What commit f freed is held while a
  /// pin p < f lives, and until the writer has taken note that it ended.
  public var oldestPinSequence: UInt64? { pins.oldestSequence }

  /// Takes note of pins that began and ended, on whatever thread; what only ended pins kept becomes free.
  func absorbPins() { absorb(pins.takeChanges()) }

  private func absorb(_ changes: PinTable.Changes) {
    statistics.verifiedChecksumCount += changes.verifiedChecksumCount
    notedPinSequence = changes.oldestSequence
    if changes.hasNewPin {
      fresh.removeAll()
      transactionBorn.forEachRun { fresh.insert($0) }
    }
    if changes.hasEndedPin {
      if changes.oldestSequence == nil { fresh = newborn }
      releaseDeferred()
    }
  }
}
