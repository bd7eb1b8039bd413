// One kept image, examined: what it is, what its volume or file space says, what its engine says, what is wrong. What
// `betula inspect` and `betula verify` show.
//
//   bytes ─▶ ImageFormat ─▶ overlay (the image itself is only read) ─▶ volume │ file space ─▶ the engine's `examine`
//
// Invariants
// 1. The base device is only read; what an engine writes while it recovers stays in memory.
// 2. The image's own words decide what it is. A note beside it (`engine`) is asked only where the image says nothing,
//    and a note that contradicts the image is a finding.
// 3. Bytes that are wrong are findings; only a device that fails throws.

import Accounting
import KeyValue
import Primitives
import Storage

/// Everything that looking at an image found.
public struct ImageExamination: Sendable {
  /// How the image is laid out.
  public var format: ImageFormat
  /// The engine's name, from the image or from the note beside it; nil when nobody says.
  public var engine: String?
  /// The image's size in bytes.
  public var byteCount: UInt64
  /// The volume's own account; nil for other images.
  public var volume: VolumeExamination?
  /// The file space's own account; nil for other images.
  public var fileSpace: FileSpaceDescription?
  /// The engine's account; nil when it could not be asked.
  public var structure: StructureReport?
  /// Who owns what, by offset.
  public var owners: [OwnedRange] = []
  /// What is wrong, and remarks that are harmless.
  public var findings: [VolumeFinding] = []
  /// What an opening would have to do first.
  public var recovery: [String] = []
  /// Checksums computed and compared.
  public var checksumCount: UInt64 = 0
  /// What it took, step by step.
  public var steps: [ExaminationStep] = []
  /// Bytes read from the image.
  public var readByteCount: UInt64 = 0

  /// Whether nothing is wrong.
  public var isSound: Bool { findings.allSatisfy(\.isHarmless) }

  /// Examines an image.
  ///
  /// - Parameters:
  ///   - base: the image, in units of the format; only read.
  ///   - format: what `ImageFormat.detect` said.
  ///   - byteCount: the image's size, a rest shorter than a unit included.
  ///   - notedEngine: the engine that a note beside the image names, nil for none.
  ///   - catalogue: where engines are found by name.
  /// - Throws: what the device throws.
  public init(
    _ base: any BlockDevice, format: ImageFormat, byteCount: UInt64, notedEngine: String? = nil,
    catalogue: [EngineEntry] = engineCatalogue
  ) throws(StorageError) {
    self.format = format
    self.byteCount = byteCount
    engine = notedEngine
    let channel = IOChannel(device: OverlayDevice(base: base))
    var meter = ExaminationMeter(channel)
    switch format {
    case .volume: try examineVolume(channel, notedEngine, catalogue)
    case .fileSpace: try examineFileSpace(channel, notedEngine, catalogue)
    case .blank:
      let stores = notedEngine.map { $0 != "null" } ?? true
      add(
        "image", 0,
        stores
          ? "it begins with zeros: neither a volume nor a file space was ever made here"
          : "it begins with zeros, as the null engine leaves it", isHarmless: !stores)
    case .unknown:
      add("image", 0, "it begins neither as a volume nor as a file space does")
    }
    readByteCount = channel.totals.readByteCount
    if steps.isEmpty { steps = [meter.step("everything", checksumCount: checksumCount)] }
    if case .volume(let unit) = format { remarkOnRest(unit) }
    if case .fileSpace(let unit) = format { remarkOnRest(unit) }
  }

  private mutating func add(
    _ structure: String, _ offset: UInt64, _ detail: String, isHarmless: Bool = false
  ) {
    findings.append(
      VolumeFinding(structure: structure, offset: offset, detail: detail, isHarmless: isHarmless))
  }

  private mutating func remarkOnRest(_ unit: Int) {
    let rest = byteCount % UInt64(unit)
    if rest == 0 { return }
    add(
      "image", byteCount - rest,
      "its last \(rest) bytes are no whole transfer unit of \(unit): it was cut short")
  }

  private mutating func examineVolume(
    _ channel: IOChannel, _ noted: String?, _ catalogue: [EngineEntry]
  ) throws(StorageError) {
    var asked: EngineEntry?
    let budget = MemoryBudget(limitByteCount: .max)
    let found = try Volume.examine(channel: channel) { (volume, report) throws(StorageError) -> Bool in
      asked = catalogue.first { $0.descriptor.name == volume.engineTag }
      guard let examine = asked?.examine else { return false }
      try examine(EngineImage(channel: channel, budget: budget, volume: volume), &report)
      return true
    }
    volume = found
    steps = found.steps
    owners = found.owners
    checksumCount = found.checksumCount
    recovery = found.recovery
    let tag = found.description?.engineTag ?? found.superblocks.compactMap(\.engineTag).first
    engine = tag ?? noted
    findings += found.findings
    structure = found.structure
    if let tag, found.description != nil, asked?.examine == nil {
      add(
        "engine", 0,
        asked == nil
          ? "this build has no engine '\(tag)': its own blocks were not looked at"
          : "engine '\(tag)' cannot be looked at from outside: its own blocks were not read", isHarmless: true
      )
    }
    if let tag, let noted, tag != noted {
      add("image", 0, "the note beside it names engine '\(noted)', the volume belongs to '\(tag)'")
    }
  }

  private mutating func examineFileSpace(
    _ channel: IOChannel, _ noted: String?, _ catalogue: [EngineEntry]
  ) throws(StorageError) {
    let budget = MemoryBudget(limitByteCount: .max)
    let found = try FileSpace.examine(channel: channel, budget: budget)
    fileSpace = found.description
    owners = found.owners
    findings += found.findings
    checksumCount = found.checksumCount
    guard let files = found.description.files else { return }
    engine = noted ?? (files.contains { $0.name.hasPrefix("main.db") } ? "sqlite" : nil)
    guard let entry = catalogue.first(where: { $0.descriptor.name == engine }), let examine = entry.examine
    else {
      add("engine", 0, "nobody says whose files these are: they were not looked at", isHarmless: true)
      return
    }
    var report = StructureReport()
    do throws(StorageError) {
      try examine(EngineImage(channel: channel, budget: budget, volume: nil), &report)
    } catch {
      try report.note(error)
    }
    checksumCount += report.checksumCount
    findings += report.findings
    recovery += report.recovery
    structure = report
  }
}
