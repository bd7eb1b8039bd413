// `betula doctor`: what this machine has, what is missing, and (on request) what its disk costs.

import ArgumentParser
import CSystem
import EngineCatalogue
import Experiment
import Foundation
import KeyValue

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Say what this machine has and lacks; measure its disk on request.")

  @Flag(help: "Measure the disk under --folder (about ten seconds, 256 MiB) and fit a device profile to it.")
  var calibrate = false

  @Option(help: "The folder whose disk is looked at.")
  var folder = NSTemporaryDirectory()

  func run() throws {
    var isHealthy = true
    for fact in HostFacts.gather(repository: nil).facts {
      line(fact.name.replacingOccurrences(of: "_", with: " "), fact.value)
    }
    line(
      "checksums",
      betula_crc32c_is_hardware() == 1 ? "CRC-32C by the processor" : "CRC-32C by tables (slow)")
    let resources = HostResources.current(path: folder)
    line("free memory", resources.freeMemoryByteCount.map { ByteText.short($0) } ?? "unknown")
    line(
      "free disk", resources.freeDiskByteCount.map { "\(ByteText.short($0)) under \(folder)" } ?? "unknown")
    if let gnuplot = HostFacts.gnuplotVersion {
      line("gnuplot", gnuplot)
    } else {
      line("gnuplot", "missing: figures cannot be drawn; install the Debian package gnuplot-nox")
      isHealthy = false
    }
    for entry in engineCatalogue {
      line("engine \(entry.descriptor.name)", entry.descriptor.absentBecause ?? "here")
    }
    if calibrate { try showCalibration() }
    if !isHealthy { throw ExitStatus.runFailed }
  }

  private func showCalibration() throws {
    let calibration = try HostCalibration.measure(folder: folder)
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
