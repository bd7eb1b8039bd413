// Dropped writes: the device says that everything was written, and one unit of it was not. Its place holds what it held before,
// right in every checksum.
//
//   call 12   write [ leaf │ leaf │ interior ]     lost-unit@12 unit=1: the second leaf stays what it was
//   life goes on to its end, or to where it would reopen ─▶ open, scan, get, verify ─▶ error, or everything right
//
// Invariants
// 1. Each kind of block has its turn: the cases are shared out among what the script writes, evenly over its course.
// 2. What a dropped superblock, or the dropped end of a log, leaves is the volume of an earlier commit, and nothing on the device
//    says otherwise: such an answer is right, and counted as older. Whatever else is shown has to be the last state, whole.
// 3. An engine that declares that it does not notice dropped writes is counted, not blamed.

import Accounting
import KeyValue
import Primitives
import Storage

extension FaultRun {
  /// Blocks whose loss may leave an earlier commit.
  private static let endings: Set<Cause> = [.superblock, .log]

  mutating func sweepLosses() {
    var places: [(kind: String, call: Int, unit: Int)] = []
    for (call, causes) in writtenCauses.enumerated() {
      for (unit, cause) in causes.enumerated() { places.append((cause.name, call, unit)) }
    }
    let kinds = Set(places.map(\.kind)).sorted()
    let share = max(1, options.maximumLossCount / max(1, kinds.count))
    for kind in kinds {
      let own = places.filter { $0.kind == kind }
      var tally = FaultTally()
      for index in stride(from: 0, to: own.count, by: max(1, (own.count + share - 1) / share)) {
        let scripted = ScriptedFault(
          at: UInt64(own[index].call), .lostUnit(number: UInt64(own[index].unit)))
        began(.loss(scripted))
        tally = entered(lose(scripted), .loss(scripted), tally)
      }
      outcome.losses.append(FaultKindTally(kind: kind, tally: tally))
    }
  }

  /// The script with a dropped write; then everything is looked at.
  func lose(_ fault: ScriptedFault) -> Answer {
    let isClaimed = subject.detectsLostWrites
    let memory = TrialPlace.emptyMemory(subject)
    var device: FaultDevice?
    let place = TrialPlace(subject, syncEveryCommits: script.syncEveryCommits, memory: memory) { base in
      let made = FaultDevice(base: base, script: [fault])
      device = made
      return made
    }
    // Who reopens after an earlier commit goes on from there: it is looked at before.
    let counter = device
    var life = TrialLife(script)
    life.endsBeforeReopening = { (counter?.callCount ?? 0) > fault.call }
    life.live(in: place)
    if let wrong = life.wrongAnswer { return isClaimed ? .wrong(wrong) : .unnoticed }
    if let failure = life.failure {
      return failure.isHonest ? .error : .wrong("answers with the wrong error: \(failure)")
    }
    var mayBeOlder = false
    if case .lostUnit(let number) = fault.fault, fault.call < UInt64(writtenCauses.count) {
      let causes = writtenCauses[Int(fault.call)]
      if !causes.isEmpty { mayBeOlder = Self.endings.contains(causes[Int(number % UInt64(causes.count))]) }
    }
    let after = TrialPlace(subject, syncEveryCommits: script.syncEveryCommits, memory: memory)
    guard let limits = life.limits else { return .error }
    return lookAtEverything(
      after, mayBeOlder: mayBeOlder, isClaimed: isClaimed,
      last: script.contents(batchCount: life.progress.acknowledged, limits: limits))
  }
}

/// Notes the cause of every unit that is written, call by call, as the fault device numbers them.
final class WriteProbe: BlockDevice {
  private(set) var causes: [[Cause]] = []
  private let base: any BlockDevice
  let transferUnitByteCount: Int
  let capacityByteCount: UInt64

  init(base: any BlockDevice) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
  }

  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    var written: [Cause] = []
    for transfer in batch.transfers where transfer.direction == .write {
      // A unit belongs to the first piece that has a byte in it and is no padding.
      var ends: [(end: Int, cause: Cause)] = []
      var end = 0
      for piece in batch.pieces[transfer.pieces] {
        end += piece.transferredByteCount
        if piece.cause != .padding { ends.append((end, piece.cause)) }
      }
      for start in stride(from: 0, to: transfer.byteCount, by: transferUnitByteCount) {
        written.append(ends.first { $0.end > start }?.cause ?? .padding)
      }
    }
    causes.append(written)
    try base.submit(&batch)
  }

  func control(_ operation: ControlOperation) throws(StorageError) {
    causes.append([])
    try base.control(operation)
  }
}
