# Write amplification: load
# Draw again with: gnuplot write_amplification.gnuplot
# Reads write_amplification.csv, writes write_amplification.svg and write_amplification.png.

data = 'write_amplification.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set yrange [118:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,322 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,322 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification.'.kind
  unset label
  unset object
  set label 1 'Write amplification: load' at screen 0.016, screen 0.9193 left noenhanced font ',22'
  set label 2 '400,000 records · batch 100 · durability prefix · memory 5.53 MiB · 3 seeds: median and 95 % interval' at screen 0.016, screen 0.8323 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.7671 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1720
  set rmargin at screen 0.9600
  set tmargin at screen 0.6025
  set bmargin at screen 0.2360
  unset logscale x
  set xrange [0.0:1.1718620689655173]
  set xtics ('0.0' 0.0, '0.2' 0.2, '0.4' 0.4, '0.6' 0.6, '0.8' 0.8, '1.0' 1.0)
  set xlabel 'bytes written ÷ logical bytes written' noenhanced
  set ytics ('btree bulk off' 32, 'btree bulk on' 89) scale 0
  set object rectangle from screen 0.1720, screen 0.6429 to screen 0.1860, screen 0.6863 front fillcolor rgb '#444444' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_data_end: nodes, runs, tables' at screen 0.1940, screen 0.6646 left noenhanced font ',15'
  set object rectangle from screen 0.4940, screen 0.6429 to screen 0.5080, screen 0.6863 front fillcolor rgb '#cbcbcb' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_total_end: log, metadata, padding as well' at screen 0.5160, screen 0.6646 left noenhanced font ',15'
  plot \
    data using (of('btree phase_load_bulk=false', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree phase_load_bulk=false', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=false', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (seen(of('btree phase_load_bulk=false', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=true', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (seen(of('btree phase_load_bulk=true', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=true', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#fbefe6', \
    data using (seen(of('btree phase_load_bulk=true', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
