// `betula doctor`: what this machine has, what is missing, and (on request) what its disk costs.

import ArgumentParser
import CSystem
import EngineCatalogue
import Experiment
import Foundation
import KeyValue

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine has and lacks; measure its disk and the noise of its clock on request.")

  @Flag(help: "Measure the disk under --folder (about ten seconds, 256 MiB) and fit a device profile to it.")
  var calibrate = false

  @Flag(
    help:
      "Run the same engine against itself (about two seconds): the smallest difference of times told from chance."
  )
  var noise = false

  @Flag(help: "Print as JSON.")
  var json = false

  @Option(help: "The folder whose disk is looked at.")
  var folder = NSTemporaryDirectory()

  /// What `--json` prints.
  private struct Findings: Encodable {
    struct Fact: Encodable {
      var name: String
      var value: String
    }
    var facts: [Fact] = []
    var profile: String?
    var noise: [NoiseFloor.Line]?
  }

  func run() throws {
    try withUserErrors {
      let (facts, isHealthy) = gather()
      var findings = Findings(facts: facts.map { Findings.Fact(name: $0.name, value: $0.value) })
      if !json { for fact in facts { line(fact.name, fact.value) } }
      if calibrate {
        let calibration = try HostCalibration.measure(folder: folder)
        findings.profile = calibration.profile.spelling
        if !json { show(calibration) }
      }
      if noise {
        let floor = try NoiseFloor.measure()
        findings.noise = floor.lines
        if !json { print("\n" + floor.text, terminator: "") }
      }
      if json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(findings), as: UTF8.self))
      }
      if !isHealthy { throw ExitStatus.runFailed }
    }
  }

  /// What this machine has and lacks, and whether nothing needed is missing.
  private func gather() -> (facts: [(name: String, value: String)], isHealthy: Bool) {
    var facts = HostFacts.gather(repository: nil).facts.map {
      (name: $0.name.replacingOccurrences(of: "_", with: " "), value: $0.value)
    }
    facts.append(
      (
        "checksums",
        betula_crc32c_is_hardware() == 1 ? "CRC-32C by the processor" : "CRC-32C by tables (slow)"
      ))
    let resources = HostResources.current(path: folder)
    facts.append(("free memory", resources.freeMemoryByteCount.map { ByteText.short($0) } ?? "unknown"))
    let disk = resources.freeDiskByteCount.map { "\(ByteText.short($0)) under \(folder)" }
    facts.append(("free disk", disk ?? "unknown"))
    let gnuplot = HostFacts.gnuplotVersion
    let absence = "missing: figures cannot be drawn; install the Debian package gnuplot-nox"
    facts.append(("gnuplot", gnuplot ?? absence))
    for entry in engineCatalogue {
      facts.append(("engine \(entry.descriptor.name)", entry.descriptor.absentBecause ?? "here"))
    }
    return (facts, gnuplot != nil)
  }

  private func show(_ calibration: HostCalibration) {
    if !calibration.isDirect {
      print("This file system refuses O_DIRECT: the figures below include the page cache.")
    }
    print("\nbytes      read µs   write µs   (medians, one transfer at a time)")
    for point in calibration.points {
      print(
        "\(point.byteCount)".padding(toLength: 10, withPad: " ", startingAt: 0),
        String(format: "%8.1f %10.1f", point.readSeconds * 1e6, point.writeSeconds * 1e6))
    }
    print("\nin flight  4 KiB reads/s")
    for point in calibration.parallelPoints {
      print(
        "\(point.outstanding)".padding(toLength: 10, withPad: " ", startingAt: 0),
        String(format: "%12.0f", point.readsPerSecond))
    }
    let profile = calibration.profile
    print(
      String(
        format: "\nfitted: read s = %.1f µs, t = %.3f ns/B; write s = %.1f µs, t = %.3f ns/B; P = %.1f",
        profile.readSetupSeconds * 1e6, profile.readSecondsPerByte * 1e9, profile.writeSetupSeconds * 1e6,
        profile.writeSecondsPerByte * 1e9, profile.parallelism))
    print("in a study:  device: { profile: \"\(profile.spelling)\" }")
  }

  private func line(_ name: String, _ value: String) {
    print(name.padding(toLength: 24, withPad: " ", startingAt: 0) + value)
  }
}
