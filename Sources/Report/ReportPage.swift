// `report.html`: one readable page per record. Every number links to its definition at the page's end.
//
// The page needs nothing but its figures, which are beside it in `figures/`.

import Accounting
import Mustache
import Results

/// The page of a record.
struct ReportPage {
  /// A figure as the page shows it: drawn or not.
  struct ShownFigure {
    var figure: Figure
    var isDrawn: Bool
  }

  var digest: Digest
  var summary: SummaryTable
  var figures: [ShownFigure]
  /// Sentences about figures that could not be made or drawn.
  var notes: [String]
  /// Every claim, evaluated.
  var claims: [ClaimRow]

  /// The page's text.
  ///
  /// - Throws: `.unusable` when the template does not parse, which is a mistake of this program.
  func text() throws(ReportError) -> String {
    let template: MustacheTemplate
    do {
      template = try MustacheTemplate(string: reportTemplate)
    } catch {
      throw .unusable(path: "report.html", reason: "the page's template does not parse: \(error)")
    }
    return template.render(context)
  }

  private typealias Values = [String: Any]

  private var context: Values {
    let manifest = digest.record.manifest
    return [
      "title": manifest.study.title, "question": manifest.study.question, "study": manifest.study.id,
      "scale": manifest.study.scale, "conditions": digest.conditions(of: digest.phases),
      "limits": manifest.limits, "hasLimits": !manifest.limits.isEmpty, "heads": heads,
      "lines": summary.lines.map(line), "absences": summary.absences.map(absence),
      "hasAbsences": !summary.absences.isEmpty, "figures": figures.map(shown), "notes": notes,
      "hasNotes": !notes.isEmpty, "claims": claims.map(claim),
      "hasClaims": !claims.isEmpty, "predictions": predictions,
      "hasPredictions": !predictions.isEmpty, "engines": manifest.engines.map(engine),
      "facts": facts(manifest), "files": manifest.outputs.map(output), "definitions": definitions,
    ]
  }

  private func link(_ metric: String) -> Values {
    ["id": metric, "anchor": MetricRegistry.entry(metric)?.anchor ?? metric]
  }

  private var heads: [Values] { SummaryTable.metrics.map(link) }

  private func line(_ line: SummaryTable.Line) -> Values {
    let cells = zip(SummaryTable.metrics, line.cells).map { metric, cell -> Values in
      var values = link(metric)
      values["text"] = cell ?? Numbers.missing
      values["isNumber"] = cell != nil
      return values
    }
    return ["series": line.series, "phase": line.phase, "cells": cells]
  }

  private func absence(_ absence: SummaryTable.Absence) -> Values {
    ["series": absence.series, "phase": absence.phase, "status": absence.status, "reason": absence.reason]
  }

  private func shown(_ shown: ShownFigure) -> Values {
    [
      "name": shown.figure.name, "title": shown.figure.title, "description": shown.figure.description,
      "isDrawn": shown.isDrawn, "metrics": shown.figure.metrics.map(link),
      "subtitle": shown.figure.subtitle.joined(separator: " · "),
    ]
  }

  private func claim(_ row: ClaimRow) -> Values {
    [
      "id": row.claim ?? "", "sentence": row.sentence ?? "", "verdict": row.verdict?.rawValue ?? "",
      "words": ClaimsText.words(row.verdict), "metric": row.metric ?? "",
      "expected": row.expected ?? "", "measured": ClaimsText.measured(row),
      "tolerance": row.tolerance ?? "", "source": row.source ?? "", "explanation": row.explanation ?? "",
    ]
  }

  private func engine(_ engine: Manifest.EngineReadBack) -> Values {
    let settings = engine.settings.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
    return [
      "label": engine.label, "engine": engine.engine, "version": engine.libraryVersion ?? "",
      "hasVersion": engine.libraryVersion != nil, "format": engine.formatVersion,
      "settings": settings.joined(separator: ", "),
    ]
  }

  private func facts(_ manifest: Manifest) -> [Values] {
    let changes = manifest.program.hasUncommittedChanges
    let state = changes.map { $0 ? " with uncommitted changes" : "" } ?? ", state unknown"
    let packages = manifest.program.packages.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    let list: [(String, String)] = [
      ("Commit", manifest.program.commit.isEmpty ? "not known" : manifest.program.commit + state),
      ("Compiler", manifest.program.compiler), ("Flags", manifest.program.flags.joined(separator: " ")),
      ("Packages", packages.joined(separator: ", ")),
      ("Processor", "\(manifest.machine.processor), \(manifest.machine.processorCount) logical processors"),
      ("Memory", Numbers.bytes(manifest.machine.memoryByteCount)), ("Kernel", manifest.machine.kernel),
      ("File system", manifest.machine.fileSystem), ("Device", manifest.machine.device),
      ("Seeds", manifest.seeds.map { String($0) }.joined(separator: ", ")), ("Began", manifest.start),
      ("Ended", manifest.end),
    ]
    return list.filter { !$0.1.isEmpty }.map { ["name": $0.0, "value": $0.1] }
  }

  private func output(_ output: Manifest.Output) -> Values {
    ["file": output.file, "bytes": Numbers.grouped(UInt64(output.byteCount)), "hash": output.sha256]
  }

  private var predictions: [Values] {
    Predictions.rows(digest).map { row in
      var values = link(row.metric)
      values["series"] = row.series
      values["phase"] = row.phase
      values["predicted"] = Numbers.short(row.predicted)
      values["measured"] = row.measured.map(Numbers.short) ?? Numbers.missing
      values["ratio"] = row.ratio.map(Numbers.short) ?? Numbers.missing
      values["model"] = row.model
      return values
    }
  }

  /// The entries of every metric the page shows, in the registry's order.
  private var definitions: [Values] {
    var used = Set(SummaryTable.metrics + figures.flatMap(\.figure.metrics))
    used.formUnion(Predictions.rows(digest).map(\.metric))
    let all = MetricRegistry.entries + MetricRegistry.families
    return all.filter { used.contains($0.id) }.map { metric in
      [
        "id": metric.id, "anchor": metric.anchor, "label": metric.label, "unit": metric.unit,
        "hasUnit": !metric.unit.isEmpty, "formula": metric.formula, "included": metric.included,
        "hasIncluded": !metric.included.isEmpty, "excluded": metric.excluded,
        "hasExcluded": !metric.excluded.isEmpty, "preference": metric.preference.rawValue,
        "source": metric.source,
        "clock": metric.isClockDependent ? "Depends on the machine's clock." : "",
      ]
    }
  }
}
