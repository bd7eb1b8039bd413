// A report is a function of a record: figures, page and table are made again from committed data alone.
//
//   RECORD/manifest.json, *.csv ──▶ figures/NAME.csv, NAME.gnuplot ──gnuplot──▶ NAME.svg, NAME.png
//                               └─▶ report.html
//
// Invariants
// 1. Nothing here runs an engine or reads a clock; the same record gives the same bytes.
// 2. A figure that cannot be made or drawn is a sentence in the outcome and on the page; the rest is made.

import Accounting
import Foundation
import Results

/// Making reports.
public enum Report {
  /// What was made.
  public struct Outcome: Equatable, Sendable {
    /// Files written, relative to the record's directory, in order.
    public var files: [String] = []
    /// Sentences for the user: figures that could not be made or drawn, and why.
    public var notes: [String] = []
    /// The key numbers as aligned text.
    public var summary = ""
    /// The claims, evaluated from the record's rows.
    public var claims: [ClaimRow] = []
    /// The claims as text; empty where there are none.
    public var claimsText = ""
  }

  /// Makes every figure and the page of the record in `recordDirectory` again.
  ///
  /// - Parameters:
  ///   - recordDirectory: a directory written by `RecordWriter`.
  ///   - gnuplot: the program that draws; without one, data, scripts and the page are still written.
  /// - Throws: when the record cannot be read or a file cannot be written.
  public static func regenerate(
    recordDirectory: String, gnuplot: Gnuplot = .installed
  ) throws(ReportError) -> Outcome {
    let record: Record
    do {
      record = try RecordReader(directory: recordDirectory).read()
    } catch { throw .record(error) }
    let digest = Digest(record)
    let summary = SummaryTable(digest)
    var outcome = Outcome()
    outcome.summary = summary.text
    outcome.claims = allClaimRows(of: record)
    outcome.claimsText = ClaimsText.text(outcome.claims)
    if record.manifest.claims != nil, claimRows(of: record) != record.claims {
      outcome.notes.append(
        "claims.csv was written by another version: its claims, evaluated again from the same rows, come out "
          + "otherwise; shown is what they come out as now")
    }
    var figures: [Figure] = []
    for request in figureRequests(record) {
      do {
        let figure = try makeFigure(digest, request)
        if figures.contains(where: { $0.name == figure.name }) {
          outcome.notes.append("figure '\(figure.name)' is asked for twice; give one of them a name")
        } else {
          figures.append(figure)
        }
      } catch {
        // A figure nobody asked for by name needs no excuse.
        if !record.manifest.figures.isEmpty { outcome.notes.append(error.description) }
      }
    }
    let directory = recordDirectory + "/figures"
    try makeDirectory(directory)
    var shown: [ReportPage.ShownFigure] = []
    for figure in figures {
      try write(figure.table, to: directory + "/\(figure.name).csv")
      try write(figure.script, to: directory + "/\(figure.name).gnuplot")
      outcome.files += ["figures/\(figure.name).csv", "figures/\(figure.name).gnuplot"]
      let isDrawn = draw(figure, directory, gnuplot, &outcome)
      shown.append(ReportPage.ShownFigure(figure: figure, isDrawn: isDrawn))
    }
    let predictions = Predictions.rows(digest)
    if !predictions.isEmpty {
      try write(Predictions.table(predictions), to: directory + "/predictions.csv")
      outcome.files.append("figures/predictions.csv")
    }
    let timed = timedClaimRows(of: record)
    if !timed.isEmpty {
      try write(Table<ClaimColumns>.text(timed), to: directory + "/claims_timing.csv")
      outcome.files.append("figures/claims_timing.csv")
    }
    if gnuplot.path == nil && !figures.isEmpty { outcome.notes.append(Gnuplot.absentMessage(directory)) }
    let pageNotes = outcome.notes.map { $0.replacingOccurrences(of: recordDirectory + "/", with: "") }
    let page = ReportPage(
      digest: digest, summary: summary, figures: shown, notes: pageNotes, claims: outcome.claims)
    try write(try page.text(), to: recordDirectory + "/report.html")
    outcome.files.append("report.html")
    return outcome
  }

  /// The key numbers of a record as aligned text.
  public static func summary(of record: Record) -> String { SummaryTable(Digest(record)).text }

  /// The names of the cost models claims and figures may name.
  public static var modelNames: [String] { Predictions.modelNames }

  /// The figure kinds a study can ask for, with a sentence each.
  public static var figureKinds: [(name: String, summary: String)] {
    figureCatalogue.map { ($0.name, $0.summary) }
  }

  /// Draws a figure.
  ///
  /// - Returns: whether there is a picture for the page.
  private static func draw(
    _ figure: Figure, _ directory: String, _ gnuplot: Gnuplot, _ outcome: inout Outcome
  ) -> Bool {
    let pictures = ["svg", "png"].map { "\(figure.name).\($0)" }
    if gnuplot.path != nil {
      let (draws, complaint) = gnuplot.run(script: figure.name + ".gnuplot", in: directory)
      if let complaint { outcome.notes.append("figure '\(figure.name)': \(complaint)") }
      if !draws {
        // Half a picture is worse than none; one that was never there need not be removed.
        for file in pictures { try? FileManager.default.removeItem(atPath: directory + "/" + file) }
      }
    }
    // Without gnuplot a picture drawn earlier stays: it is a function of the same record.
    var isDrawn = false
    for file in pictures {
      guard FileManager.default.fileExists(atPath: directory + "/" + file) else { continue }
      if gnuplot.path != nil { outcome.files.append("figures/" + file) }
      if file.hasSuffix(".svg") { isDrawn = true }
    }
    return isDrawn
  }

  private static func makeDirectory(_ path: String) throws(ReportError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .unusable(path: path, reason: "cannot be made: \(error.localizedDescription)")
    }
  }

  private static func write(_ text: String, to path: String) throws(ReportError) {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw .unusable(path: path, reason: "cannot be written: \(error.localizedDescription)")
    }
  }
}
