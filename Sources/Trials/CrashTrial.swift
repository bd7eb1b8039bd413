// One image on trial: it is opened, compared, verified, crashed once more while it recovers, and lived on.
//
//   image ─▶ open ─▶ state hash, verify, space ─┬─▶ one more batch, close, open again, compare
//              │ recorded                       └─▶ for each write of the recovery: crash there, open, same state?
//
// Invariants
// 1. A finding is a function of the image: it is made once per distinct image, however many crashes leave it.
// 2. What a finding means depends on the point of the crash; that is for the sweep to say.

import Accounting
import KeyValue
import Primitives
import Storage

/// What recovery from one image cost.
public struct RecoveryCost: Equatable, Sendable {
  /// Read transfers and bytes while opening.
  public var readCount: UInt64 = 0
  /// Bytes read while opening.
  public var readByteCount: UInt64 = 0
  /// Write transfers while opening.
  public var writeCount: UInt64 = 0
  /// Bytes written while opening.
  public var writeByteCount: UInt64 = 0
  /// Modelled device time while opening.
  public var deviceSeconds: Double = 0
}

/// What an image turned out to be.
struct ImageFinding {
  enum Outcome: Equatable {
    /// It opened and holds the contents with this hash.
    case holds(UInt64)
    /// It did not open, or could not be read.
    case refused(EngineError)
  }

  var outcome: Outcome
  /// What is wrong whatever the point of the crash: a structure that does not verify, space that does not add up, a
  /// second crash that does harm.
  var complaint: String?
  var cost = RecoveryCost()
}

/// Puts images of one subject on trial.
struct CrashTrial {
  let subject: TrialSubject
  let syncEveryCommits: Int
  /// Whether the state after a second crash and life after recovery are claims of the class.
  var promisesNothing: Bool
  /// Images opened, second crashes included.
  private(set) var openedImageCount = 0
  /// Of these, images of a second crash.
  private(set) var secondCrashCount = 0
  private var outcomeOfSecondImage: [UInt64: ImageFinding.Outcome] = [:]

  init(_ subject: TrialSubject, syncEveryCommits: Int, promisesNothing: Bool) {
    self.subject = subject
    self.syncEveryCommits = syncEveryCommits
    self.promisesNothing = promisesNothing
  }

  /// Opens an image and looks at everything.
  ///
  /// - Parameters:
  ///   - image: changed by the trial.
  ///   - livesOn: whether to write, close and reopen after the recovery.
  mutating func judge(_ image: MemoryDevice, livesOn: Bool) -> ImageFinding {
    openedImageCount += 1
    var recorder: CrashRecorder?
    let place = TrialPlace(subject, syncEveryCommits: syncEveryCommits, memory: image) { base in
      let made = CrashRecorder(base: base, memory: image, atomByteCount: subject.atomByteCount)
      recorder = made
      return made
    }
    guard let recorder else { preconditionFailure("A place decorates its device when it is made.") }
    var finding: ImageFinding
    var recovery: CrashRecording?
    do throws(EngineError) {
      let engine = try place.open(creates: false)
      let cost = RecoveryCost(
        readCount: recorder.readTransferCount, readByteCount: recorder.readByteCount,
        writeCount: recorder.writeTransferCount, writeByteCount: recorder.writeByteCount,
        deviceSeconds: place.clock.charge.deviceSeconds)
      let hash = try engine.stateHash()
      // A guest may put off a part of its recovery to the first read.
      recovery = recorder.recording
      finding = ImageFinding(outcome: .holds(hash), complaint: nil, cost: cost)
      do throws(EngineError) {
        finding.complaint = try Self.soundness(of: engine)
        if livesOn, finding.complaint == nil { finding.complaint = try Self.liveOn(engine, in: place) }
      } catch {
        finding.complaint = "after recovery: \(error)"
      }
    } catch {
      finding = ImageFinding(outcome: .refused(error))
    }
    if finding.complaint == nil, let recovery, case .holds(let hash) = finding.outcome {
      finding.complaint = crashAgain(recovery, expected: hash)
    }
    return finding
  }

  private static func soundness(of engine: any Engine) throws(EngineError) -> String? {
    try engine.verify()
    let report = try engine.spaceReport()
    let sum = report.parts.reduce(0) { $0 + $1.byteCount }
    if sum != report.allocatedByteCount {
      return "the parts of the space sum to \(sum) bytes, allocated are \(report.allocatedByteCount)"
    }
    return nil
  }

  /// Writes a batch, closes, reopens and compares.
  private static func liveOn(_ engine: any Engine, in place: TrialPlace) throws(EngineError) -> String? {
    var expected = ReferenceState()
    for pair in try engine.entries() { expected.set(pair.key, to: pair.value) }
    var batch = WriteBatch(reservedByteCount: 256)
    batch.put([UInt8]("after".utf8), [UInt8]("the crash".utf8))
    batch.delete([UInt8]("key 1".utf8))
    try engine.apply(batch, sync: place.syncEveryCommits > 0)
    expected.apply(batch, limits: engine.limits)
    try engine.settle()
    try engine.close()
    let again = try place.open(creates: false)
    if try again.stateHash() != expected.stateHash { return "what is written after recovery is not kept" }
    if let complaint = try soundness(of: again) { return "after writing: \(complaint)" }
    try again.close()
    return nil
  }

  // MARK: The second crash

  /// Crashes at every call of a recovery, with nothing and with everything of what is not synced by then.
  private mutating func crashAgain(_ recovery: CrashRecording, expected: UInt64) -> String? {
    if recovery.calls.isEmpty { return nil }
    var images = CrashImages(recovery)
    while let interval = images.next() {
      for point in interval.calls.lowerBound...interval.calls.upperBound {
        for kind in [CrashSurvivors.none, .all] {
          let survivors = interval.survivors(kind, point: point)
          let hash = interval.hash(of: survivors)
          let outcome: ImageFinding.Outcome
          if let known = outcomeOfSecondImage[hash] {
            outcome = known
          } else {
            outcome = open(interval.image(of: survivors))
            outcomeOfSecondImage[hash] = outcome
          }
          let place = "a second crash after \(point) calls of the recovery, \(kind.spelling),"
          switch outcome {
          case .holds(expected): continue
          case .refused(let error):
            if promisesNothing && error.isHonest { continue }
            return "\(place) leaves what does not open: \(error)"
          case .holds:
            if promisesNothing { continue }
            return "\(place) leaves another state than the first"
          }
        }
      }
    }
    return nil
  }

  private mutating func open(_ image: MemoryDevice) -> ImageFinding.Outcome {
    openedImageCount += 1
    secondCrashCount += 1
    let place = TrialPlace(subject, syncEveryCommits: syncEveryCommits, memory: image)
    do throws(EngineError) {
      let engine = try place.open(creates: false)
      let hash = try engine.stateHash()
      try engine.verify()
      return .holds(hash)
    } catch {
      return .refused(error)
    }
  }
}
