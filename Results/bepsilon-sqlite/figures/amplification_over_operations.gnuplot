# Write amplification over operations: load
# Draw again with: gnuplot amplification_over_operations.gnuplot
# Reads amplification_over_operations.csv, writes amplification_over_operations.svg and amplification_over_operations.png.

data = 'amplification_over_operations.csv'
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
set lmargin at screen 0.1000
set rmargin at screen 0.8070
set tmargin at screen 0.7660
set bmargin at screen 0.1348
set key off
is(s) = stringcolumn('series') eq s
unset logscale x
set xrange [0.0:5102040.816326531]
set xtics ('0' 0.0, '1,000,000' 1000000.0, '2,000,000' 2000000.0, '3,000,000' 3000000.0, '4,000,000' 4000000.0, '5,000,000' 5000000.0)
set xlabel 'operations since the phase began' noenhanced
set logscale y 10
set yrange [0.5:120.60443110659247]
set ytics ('1' 1.0, '3' 3.0, '10' 10.0, '30' 30.0, '100' 100.0)
set ylabel 'bytes written ÷ logical bytes, log scale' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,564 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,564 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'amplification_over_operations.'.kind
  unset label
  unset object
  set label 1 'Write amplification over operations: load' at screen 0.016, screen 0.9539 left noenhanced font ',22'
  set label 2 '5,000,000 records · batch 1,000 · durability prefix, at_checkpoints · memory 2 GiB · 3 seeds: the first shown' at screen 0.016, screen 0.9043 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.8670 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'solid: wa_total   dashed: wa_data   both since the phase began' at screen 0.1000, screen 0.7943 left noenhanced font ',15'
  set object rectangle from screen 0.8250, screen 0.7411 to screen 0.8470, screen 0.7482 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label 'sqlite 86.8' at screen 0.8550, screen 0.7447 left noenhanced font ',16'
  set object rectangle from screen 0.8250, screen 0.6986 to screen 0.8470, screen 0.7057 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label 'btree-log 22.5' at screen 0.8550, screen 0.7021 left noenhanced font ',16'
  set object rectangle from screen 0.8250, screen 0.6560 to screen 0.8470, screen 0.6631 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label 'be-256k 8.76' at screen 0.8550, screen 0.6596 left noenhanced font ',16'
  set object rectangle from screen 0.8250, screen 0.6135 to screen 0.8470, screen 0.6206 front fillcolor rgb '#e69f00' fillstyle solid noborder
  set label 'be-1m 8.47' at screen 0.8550, screen 0.6170 left noenhanced font ',16'
  set object rectangle from screen 0.8250, screen 0.5709 to screen 0.8470, screen 0.5780 front fillcolor rgb '#56b4e9' fillstyle solid noborder
  set label 'be-4m 8.29' at screen 0.8550, screen 0.5745 left noenhanced font ',16'
  plot \
    data using (is('be-256k') ? column('operations') : NaN):(column('wa_data')) with lines linewidth 1.6 dashtype 2 linecolor rgb '#cc79a7', \
    data using (is('be-256k') ? column('operations') : NaN):(column('wa_total')) with lines linewidth 2.6 linecolor rgb '#cc79a7', \
    data using (is('be-1m') ? column('operations') : NaN):(column('wa_data')) with lines linewidth 1.6 dashtype 2 linecolor rgb '#e69f00', \
    data using (is('be-1m') ? column('operations') : NaN):(column('wa_total')) with lines linewidth 2.6 linecolor rgb '#e69f00', \
    data using (is('be-4m') ? column('operations') : NaN):(column('wa_data')) with lines linewidth 1.6 dashtype 2 linecolor rgb '#56b4e9', \
    data using (is('be-4m') ? column('operations') : NaN):(column('wa_total')) with lines linewidth 2.6 linecolor rgb '#56b4e9', \
    data using (is('btree-log') ? column('operations') : NaN):(column('wa_data')) with lines linewidth 1.6 dashtype 2 linecolor rgb '#d55e00', \
    data using (is('btree-log') ? column('operations') : NaN):(column('wa_total')) with lines linewidth 2.6 linecolor rgb '#d55e00', \
    data using (is('sqlite') ? column('operations') : NaN):(column('wa_data')) with lines linewidth 1.6 dashtype 2 linecolor rgb '#0072b2', \
    data using (is('sqlite') ? column('operations') : NaN):(column('wa_total')) with lines linewidth 2.6 linecolor rgb '#0072b2'
  unset output
}
