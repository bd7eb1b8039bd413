# Write amplification: load, overwrite
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
set yrange [520:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,724 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,724 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification.'.kind
  unset label
  unset object
  set label 1 'Write amplification: load, overwrite' at screen 0.016, screen 0.9641 left noenhanced font ',22'
  set label 2 '1,000,000 records · batch 1,000 · durability each_commit · memory 1 GiB · 3 seeds: median and 95 % interval' at screen 0.016, screen 0.9254 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.8964 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1420
  set rmargin at screen 0.9600
  set tmargin at screen 0.8232
  set bmargin at screen 0.1050
  unset logscale x
  set xrange [0.0:119.40281379310345]
  set xtics ('0' 0.0, '20' 20.0, '40' 40.0, '60' 60.0, '80' 80.0, '100' 100.0)
  set xlabel 'bytes written ÷ logical bytes written' noenhanced
  set ytics ('btree' 62, 'btree-log' 119, 'sqlite' 176, 'sqlite-unix' 233, 'btree' 320, 'btree-log' 377, 'sqlite' 434, 'sqlite-unix' 491) scale 0
  set label 'phase load, cold cache' at graph 0, first 19 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 233 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'phase overwrite, warm cache' at graph 0, first 277 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 491 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set object rectangle from screen 0.1420, screen 0.8412 to screen 0.1560, screen 0.8605 front fillcolor rgb '#444444' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_data_end: nodes, runs, tables' at screen 0.1640, screen 0.8508 left noenhanced font ',15'
  set object rectangle from screen 0.4640, screen 0.8412 to screen 0.4780, screen 0.8605 front fillcolor rgb '#cbcbcb' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_total_end: log, metadata, padding as well' at screen 0.4860, screen 0.8508 left noenhanced font ',15'
  plot \
    data using (of('btree', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree', 'load', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (of('btree', 'load', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (of('btree-log', 'load', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#d8c6b8', \
    data using (of('btree-log', 'load', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'load', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (of('sqlite', 'load', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'overwrite', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree', 'overwrite', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'overwrite', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'overwrite', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (of('btree', 'overwrite', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'overwrite', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'overwrite', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (of('btree-log', 'overwrite', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'overwrite', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'overwrite', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#d8c6b8', \
    data using (of('btree-log', 'overwrite', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'overwrite', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'overwrite', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'overwrite', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'overwrite', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'overwrite', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (of('sqlite', 'overwrite', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'overwrite', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
