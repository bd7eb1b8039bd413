// Runs that cannot be: found before anything starts, and answered with a sentence each.

import Foundation
import KeyValue
import Primitives

/// What the machine has to give now.
public struct HostResources: Equatable, Sendable {
  /// Memory that can be taken without swapping, in bytes; nil when unknown.
  public var freeMemoryByteCount: Int?
  /// Free space where file devices live, in bytes; nil when unknown.
  public var freeDiskByteCount: Int?

  /// Resources; nil leaves a check out.
  public init(freeMemoryByteCount: Int? = nil, freeDiskByteCount: Int? = nil) {
    self.freeMemoryByteCount = freeMemoryByteCount
    self.freeDiskByteCount = freeDiskByteCount
  }

  /// This machine: `MemAvailable` of /proc/meminfo, and the file system of `path`.
  public static func current(path: String) -> HostResources {
    var resources = HostResources()
    if let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) {  // absent: unknown
      for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
        let digits = line.filter { $0.isNumber }
        if let kibibytes = Int(digits) { resources.freeMemoryByteCount = kibibytes << 10 }
      }
    }
    let folder = FileManager.default.fileExists(atPath: path) ? path : "."
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)  // refused: unknown
    resources.freeDiskByteCount = (attributes?[.systemFreeSize] as? NSNumber)?.intValue
    return resources
  }
}

extension RunEstimate {
  /// The share of free memory or disk one run may plan for.
  static let usableShare = 0.8

  /// Why `run` cannot be, one sentence each; none when it can.
  public func refusals(
    of run: RunSpec, vocabulary: StudyVocabulary, resources: HostResources = HostResources()
  ) -> [String] {
    var reasons: [String] = []
    let size = { (count: Int) in ByteText.short(count) }
    if let reason = vocabulary.engine(run.engine)?.absentBecause {
      reasons.append("engine '\(run.engine)' is absent: \(reason)")
    }
    let (limits, limitReasons) = EngineRefusal.reasons(run, vocabulary)
    reasons += limitReasons
    let unit = run.device.transferUnitByteCount
    if unit & (unit - 1) != 0 { reasons.append("a transfer unit of \(unit) bytes is no power of two") }
    if run.device.capacityByteCount % unit != 0 || run.device.maximumTransferByteCount % unit != 0 {
      reasons.append("device.capacity and device.maximum_transfer must be multiples of \(unit) bytes")
    }
    if run.device.kind == .file, let crash = run.phases.first(where: { $0.kind == "crash" }) {
      reasons.append(
        "phase '\(crash.name)' cuts the power, and only a memory device can lose it; set device.kind to memory"
      )
    }
    if run.device.flash != nil, let crash = run.phases.first(where: { $0.kind == "crash" }) {
      reasons.append(
        "phase '\(crash.name)' cuts the power, and the flash model's wear would not outlive it; leave out "
          + "device.flash or the phase")
    }
    let data = vocabulary.dataByteCount(run.workload)
    let stores = limits?.stores ?? (run.engine != "null")
    if stores && data > run.device.capacityByteCount {
      reasons.append(
        "the records are \(size(data)), and the device holds \(size(run.device.capacityByteCount)); "
          + "raise device.capacity or lower the records")
    }
    if stores, let drive = run.device.flash?.configuration {
      let exported = drive.exportedBlockCount * drive.eraseBlockByteCount
      if data > exported {
        reasons.append(
          "the records are \(size(data)), and the flash drive exports \(size(exported)); "
            + "raise device.flash.capacity or lower the records")
      }
    }
    if let free = resources.freeMemoryByteCount, Double(peakMemoryByteCount) > Self.usableShare * Double(free)
    {
      reasons.append(
        "it needs about \(size(peakMemoryByteCount)) of memory, and \(size(free)) are free, of which "
          + "\(Int(Self.usableShare * 100)) % may be planned for")
    }
    if run.device.kind == .file, let free = resources.freeDiskByteCount,
      Double(spaceByteCount) > Self.usableShare * Double(free)
    {
      reasons.append(
        "it needs about \(size(spaceByteCount)) of disk, and \(size(free)) are free, of which "
          + "\(Int(Self.usableShare * 100)) % may be planned for")
    }
    return reasons
  }
}

/// Sizes and numbers for reading, rounded to three digits.
public enum ByteText {
  /// `1.23 MiB`.
  public static func short(_ count: Int) -> String {
    scaled(Double(count), ["B", "KiB", "MiB", "GiB", "TiB", "PiB"], 1024)
  }

  /// `1.23 M`.
  public static func number(_ count: Int) -> String {
    scaled(Double(count), ["", "k", "M", "G", "T", "P"], 1000)
  }

  /// `12.3 s`, `4.5 min`, `2.1 h`.
  public static func seconds(_ seconds: Double) -> String {
    if seconds < 1 { return "< 1 s" }
    if seconds < 100 { return String(format: "%.1f s", seconds) }
    if seconds < 6000 { return String(format: "%.1f min", seconds / 60) }
    return String(format: "%.1f h", seconds / 3600)
  }

  private static func scaled(_ value: Double, _ units: [String], _ step: Double) -> String {
    var value = value
    var index = 0
    while value >= step && index < units.count - 1 {
      value /= step
      index += 1
    }
    let digits = index == 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2
    let text = String(format: "%.\(digits)f", value)
    return units[index].isEmpty ? text : "\(text) \(units[index])"
  }
}
